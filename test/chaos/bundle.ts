import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from '../support/esbuild.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The process, and the thread that it starts from a file beside its own. */
const ENTRIES = ['test/chaos/gateway-process.ts', 'src/store/sqlite/checkpoint-worker.ts']

/**
 * Bundles the gateway process below `folder`. The bundle starts in a sixth of the time that the sources
 * take, and every kill is followed by a start. The folder looks like the project, because migrations and addons are
 * found relative to it.
 */
export async function bundleGatewayProcess(folder: string): Promise<string> {
  // As deep as `src/store/sqlite/`, from where the migrations are found.
  const outdir = join(folder, 'test', 'chaos', 'bundle')
  await mkdir(outdir, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  for (const name of ['drizzle', 'node_modules']) await symlink(join(ROOT, name), join(folder, name))
  buildSync({
    entryPoints: ENTRIES.map(entry => join(ROOT, entry)),
    outdir,
    entryNames: '[name]',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Compiled code, and the engine, which a gateway with JoggAI as its upstream never loads.
    external: ['better-sqlite3*', '@ffmpeg/*', '@tensorflow/*', '@vladmandic/*', 'pg-native', 'cloudflare:sockets'],
    banner: { js: `import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);` },
    logLevel: 'error',
  })
  return join(outdir, 'gateway-process.js')
}
