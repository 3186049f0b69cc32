import { mkdir, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ENTRY = 'test/chaos/gateway-process'

/** tsx compiles with esbuild, and so does this. */
const { buildSync } = createRequire(createRequire(import.meta.url).resolve('tsx'))('esbuild') as {
  buildSync(options: Record<string, unknown>): unknown
}

/**
 * The gateway process as one file below `folder`: it starts in a sixth of the time that its sources take, and a process
 * is started for each kill. The folder looks like the project, because migrations and addons are found relative to it.
 */
export const bundleGatewayProcess = async (folder: string): Promise<string> => {
  // As deep as `src/store/sqlite/database.ts`, from which the migrations are found.
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
