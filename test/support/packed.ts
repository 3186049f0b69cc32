import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MODULES = join(ROOT, 'node_modules')

const SETTINGS = '--strict --target es2022 --lib es2023,esnext.disposable --module nodenext --types node'

/**
 * The package as `npm pack` makes it, unpacked into the `node_modules` of an empty folder. Beside it lies what it
 * declares as its dependencies and nothing else, so that a file or a dependency that is missing shows.
 *
 * @param beside what the app itself has installed
 */
export async function installPacked(beside: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'lipsync-packed-'))
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT })
  const [{ filename, files }] = JSON.parse(stdout)
  const installed = join(folder, 'node_modules/lipsync-gateway')
  await mkdir(installed, { recursive: true })
  await exec('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', installed])

  const { dependencies, optionalDependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  for (const name of new Set([...Object.keys({ ...dependencies, ...optionalDependencies }), ...beside])) {
    await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true })
    await symlink(join(MODULES, name), join(folder, 'node_modules', name))
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')

  const tsc = (args: readonly string[]) =>
    exec(process.execPath, [join(MODULES, 'typescript/bin/tsc'), ...SETTINGS.split(' '), ...args], { cwd: folder })

  return {
    folder,
    /** What is in the tarball. */
    files: (files as { path: string }[]).map(file => file.path),
    write: (name: string, text: string) => writeFile(join(folder, name), text),
    /** Compiles with the strictest settings; rejects with the compiler's output. */
    async compile(...names: string[]) {
      await tsc(['--skipLibCheck', ...names]).catch(error => {
        throw new Error(error.stdout)
      })
    },
    /** The compiler's errors, in declaration files too. */
    typeErrors: (name: string): Promise<string[]> =>
      tsc(['--noEmit', name]).then(
        () => [],
        error => error.stdout.split('\n'),
      ),
    /** The declaration files of the package that a source file leads to, relative to `dist`. */
    async filesOf(name: string): Promise<string[]> {
      const { stdout } = await tsc(['--noEmit', '--skipLibCheck', '--listFiles', name])
      const dist = join(installed, 'dist/')
      return stdout.split('\n').flatMap(file => (file.startsWith(dist) ? [file.slice(dist.length)] : []))
    },
    /** Runs a file of the folder with Node, in a working folder of its own. */
    async run(command: string, env: Record<string, string> = {}) {
      const [name = '', ...args] = command.split(' ')
      const cwd = await mkdtemp(join(folder, 'run-'))
      return watch(
        spawn(process.execPath, [join(folder, name), ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }),
      )
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

/** A process and what it prints. */
function watch(child: ChildProcess) {
  let stdout = ''
  let stderr = ''
  const told = new EventEmitter()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    told.emit('text')
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }))
  return {
    child,
    ended,
    /** Resolves when it has printed this; rejects when it ends before. */
    async printed(text: string): Promise<void> {
      const early = ended.then(({ code }) => Promise.reject(new Error(`It ended with ${code}: ${stdout}${stderr}`)))
      early.catch(() => {})
      while (!stdout.includes(text)) await Promise.race([once(told, 'text'), early])
    },
  }
}

/** A port that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
