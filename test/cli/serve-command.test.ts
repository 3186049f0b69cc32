import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bundleCli, NOBODY, startCli } from '../support/cli.js'
import { newDatabase, openTestStore } from '../support/database.js'

// Processes start here.
vi.setConfig({ testTimeout: 30_000 })

/** Whether the system lets every user listen on port 1. */
const isPortOneFree = await new Promise<boolean>(resolve => {
  if (process.getuid?.() === 0) return resolve(false)
  const server = createServer()
  server.once('error', () => resolve(false)).listen(1, '127.0.0.1', () => server.close(() => resolve(true)))
})

let bundle: string
let cli: string
beforeAll(async () => {
  bundle = await mkdtemp(join(tmpdir(), 'cli-'))
  await chmod(bundle, 0o755)
  cli = await bundleCli(bundle)
})
afterAll(() => rm(bundle, { recursive: true }))

test('--host, --port and --restored override the environment', async () => {
  const file = await newDatabase()
  await (await openTestStore(`file:${file}`))[Symbol.asyncDispose]()
  await openUp(file)
  const env = { HOST: '192.0.2.1', PORT: '1', UPSTREAM: 'engine', DATA_DIR: dirname(file) }
  const serve = startCli(cli, ['serve', '--host', 'localhost', '--port', '0', '--restored'], env)
  await serve.logged(/^the database is older than what was last written to it/)
  const { url } = await serve.logged(/^listening on /)
  expect(url).toMatch(/^http:\/\/localhost:[1-9]\d*\/graphql$/)
  const answer = await fetch(`${url}?query={__typename}`)
  expect(await answer.json()).toEqual({ data: { __typename: 'Query' } })
  serve.kill('SIGTERM')
  expect(await serve.ended).toMatchObject({ code: 0, stderr: '' })
})

test('names the database that it must not create', async () => {
  const folder = dirname(await newDatabase())
  await chmod(folder, 0o555)
  const { code, stdout, stderr } = await startCli(cli, ['serve'], { DATA_DIR: folder, LOG_LEVEL: 'error' }).ended
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe(`${folder}/gateway.db cannot be written: permission denied. Set DATA_DIR to another folder.\n`)
})

test.skipIf(isPortOneFree)('names the port that it must not listen on, and ends by itself', async () => {
  const env = { DATABASE_URL: ':memory:', UPSTREAM: 'jogg', JOGG_API_KEY: 'key', LOG_LEVEL: 'error' }
  expect(await startCli(cli, ['serve', '--port', '1'], env).ended).toEqual({
    code: 1,
    stdout: '',
    stderr: 'This user must not listen on port 1 of 127.0.0.1. Set PORT or --port to another one.\n',
  })
})

test('refuses a misspelt variable of JoggAI on an address that others reach, and opens nothing', async () => {
  const folder = dirname(await newDatabase())
  const env = { UPSTREAM: 'engine', JOGG_APIKEY: 'secret', DATA_DIR: `${folder}/data` }
  const { code, stdout, stderr } = await startCli(cli, ['serve', '--host', '0.0.0.0'], env).ended
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('JOGG_APIKEY is not a variable of the gateway. Did you mean JOGG_API_KEY?')
  expect(stderr).not.toContain('secret')
})

/** Lets the unprivileged user of the command use a database. */
async function openUp(file: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const folder = dirname(file)
  for (const name of await readdir(folder)) await chown(`${folder}/${name}`, NOBODY, NOBODY)
  await chown(folder, NOBODY, NOBODY)
}
