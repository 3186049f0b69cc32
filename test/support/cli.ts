import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { buildSync } from './esbuild.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The user id of "nobody". */
export const NOBODY = 65_534

/** Bundles the command line below `folder`: a bundle starts in a fraction of the time that the sources take. */
export async function bundleCli(folder: string): Promise<string> {
  // As deep as `src/store/sqlite/`, from where the migrations are found.
  const outdir = join(folder, 'src', 'cli', 'bundle')
  await mkdir(outdir, { recursive: true })
  for (const name of ['drizzle', 'node_modules']) await symlink(join(ROOT, name), join(folder, name))
  await symlink(join(ROOT, 'package.json'), join(folder, 'src', 'cli', 'package.json'))
  buildSync({
    entryPoints: ['src/cli.ts', 'src/store/sqlite/checkpoint-worker.ts'].map(entry => join(ROOT, entry)),
    outdir,
    entryNames: '[name]',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['better-sqlite3*', '@ffmpeg/*', '@tensorflow/*', '@vladmandic/*'],
    banner: { js: `import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);` },
    logLevel: 'error',
  })
  return join(outdir, 'cli.js')
}

/**
 * Runs the command line as an unprivileged user, with no other environment than `env`. The process ends with the test at
 * the latest.
 */
export function startCli(script: string, args: readonly string[], env: Record<string, string> = {}) {
  const command = [script, ...args]
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const child = spawn(process.execPath, command, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  })
  const closed = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await closed
  })
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
    for (const look of watchers) look()
  })
  const ended = closed.then(([code]) => ({ code: code as number | null, stdout, stderr }))

  return {
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    ended,
    /** Returns the first line of the log with this message. Rejects when the process ends before. */
    async logged(message: RegExp): Promise<Record<string, unknown>> {
      const found = new Promise<Record<string, unknown>>(resolve => {
        const look = () => {
          const lines = stdout.split('\n').slice(0, -1)
          const line = lines.map(text => JSON.parse(text)).find(({ msg }) => message.test(msg))
          if (line) resolve(line)
        }
        watchers.add(look)
        look()
      })
      return Promise.race([found, ended.then(end => Promise.reject(new Error(`It ended: ${JSON.stringify(end)}`)))])
    },
  }
}
