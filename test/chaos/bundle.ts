import { mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from '../support/esbuild.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ENTRY = 'test/chaos/gateway-process'

/**
 * Bundles the gateway process into one file below `folder`. The bundle starts in a sixth of the time that the sources
 * take, and every kill is followed by a start. The folder looks like the project, because migrations and addons are
 * found relative to it.
 */
export async function bundleGatewayProcess(folder: string): Promise<string> {
  // As deep as `src/store/sqlite/`, from where the migrations are found.
  const outfile = join(folder, 'test', 'chaos', 'bundle', 'gateway-process.mjs')
  await mkdir(dirname(outfile), { recursive: true })
  for (const name of ['drizzle', 'node_modules']) await symlink(join(ROOT, name), join(folder, name))
  buildSync({
    entryPoints: [join(ROOT, `${ENTRY}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Compiled code, and the engine, which a gateway with JoggAI as its upstream never loads.
    external: ['better-sqlite3*', '@ffmpeg/*', '@tensorflow/*', '@vladmandic/*'],
    banner: { js: `import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);` },
    logLevel: 'error',
  })
  return outfile
}
