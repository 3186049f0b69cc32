/**
 * The sources, compiled once for a run of the tests. A process that runs compiled code starts in a fraction of the time
 * of one with a loader, and as it does in the package.
 */
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vitest/config'
import { buildSync } from './esbuild.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Names the folder to the tests' processes. */
const VARIABLE = 'TEST_COMPILED'

/** The global setup of vitest, which runs it once for each project. */
export function setup(): void {
  if (process.env[VARIABLE]) return
  const folder = mkdtempSync(join(tmpdir(), 'lipsync-compiled-'))
  process.env[VARIABLE] = folder
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  for (const name of ['drizzle', 'node_modules']) symlinkSync(join(ROOT, name), join(folder, name))
  for (const part of ['src', 'test/support']) {
    const files = readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' })
    const entryPoints = files.filter(file => file.endsWith('.ts')).map(file => join(ROOT, part, file))
    buildSync({ entryPoints, outbase: ROOT, outdir: folder, platform: 'node', format: 'esm', target: 'node20' })
  }
}

/** The global teardown of vitest. */
export function teardown(): void {
  const folder = process.env[VARIABLE]
  if (folder) rmSync(folder, { recursive: true, force: true })
}

/** The path of a compiled file, by its path in the project: `test/support/store-host.js`. */
export function compiled(file: string): string {
  const folder = process.env[VARIABLE]
  if (!folder) throw new Error('The sources were not compiled: the global setup of vitest has not run.')
  return join(folder, file)
}

/** The engine's jobs run in processes, which start from beside the module that starts them. */
export const compiledWorkers: Plugin = {
  name: 'compiled-workers',
  enforce: 'pre',
  resolveId: source =>
    source.endsWith('/worker-process.js') ? compiled('src/upstream/engine/worker-process.js') : null,
}
