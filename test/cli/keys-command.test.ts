import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, expect, test } from 'vitest'
import { createAuthenticator } from '../../src/auth/authenticator.js'
import { addKeysCommand } from '../../src/cli/keys.js'
import { createLog } from '../../src/log.js'
import { createKeyStore } from '../../src/store/keys.js'
import { openDatabase } from '../../src/store/sqlite/database.js'
import { HERE, LIMITS } from '../support/auth.js'
import { createManualClock } from '../support/manual-clock.js'

const folder = mkdtempSync(join(tmpdir(), 'keys-command-'))
afterAll(() => rmSync(folder, { recursive: true }))
let folders = 0

test('create prints the key alone and its explanation separately, and the key is accepted', async () => {
  const command = startCommand()
  const key = await command.run('create', 'acme')
  expect(key).toMatch(/^lsg_\w{12}_\w{43}$/)
  expect(command.explained.join('\n')).toMatch(/not shown again[\s\S]*Authorization: Bearer[\s\S]*first key/)
  expect(command.explained.join('\n')).not.toContain(key)
  expect((await withAuth(command, auth => auth.authenticate(key, HERE))).caller).toEqual({
    id: 'acme',
    scopes: new Set(['read', 'create']),
    limits: LIMITS,
    restriction: null,
  })
  await command.run('create', 'acme')
  expect(command.explained.join('\n')).not.toContain('first key')
})

test('create sets scopes, expiry and every limit', async () => {
  const command = startCommand()
  const limits = ['--creates-per-minute', '1', '--waiting-tasks', '2', '--sockets', '3', '--subscriptions', 'none']
  const key = await command.run(
    'create',
    'acme',
    '--scopes',
    'admin, read',
    '--expires-days',
    '30',
    ...limits,
    '--monthly-credits',
    '50',
  )
  expect(await withAuth(command, auth => auth.authenticate(key, HERE))).toMatchObject({
    caller: {
      scopes: new Set(['read', 'admin']),
      limits: { createsPerMinute: 1, waitingTasks: 2, sockets: 3, subscriptions: null, monthlyCredits: 50 },
    },
    expiresAt: command.clock.now() + 30 * 86_400_000,
  })
})

test('list shows everything but the secrets', async () => {
  const command = startCommand()
  const first = await command.run('create', 'acme', '--expires-days', '1', '--sockets', '3')
  await command.clock.advance(1_000)
  const second = await command.run('create', 'a-longer-name', '--scopes', 'read')
  await withAuth(command, auth => auth.authenticate(first, HERE))
  await command.run('revoke', second.slice(4, 16))
  const list = await command.run('list')
  const [titles, ...rows] = list.split('\n').map(row => row.split(/ {2,}/))
  expect(titles).toEqual(['ID', 'CALLER', 'SCOPES', 'LIMITS', 'CREATED', 'LAST USED', 'EXPIRES', 'REVOKED'])
  const [start, later, nextDay] = ['2025-01-01T00:00:00Z', '2025-01-01T00:00:01Z', '2025-01-02T00:00:00Z']
  expect(rows).toEqual([
    [first.slice(4, 16), 'acme', 'read,create', 'sockets=3', start, later, nextDay, '-'],
    [second.slice(4, 16), 'a-longer-name', 'read', '-', later, '-', '-', later],
  ])
  for (const key of [first, second]) expect(list).not.toContain(key.slice(17))
})

test('revoke ends a key, and reports an unknown id', async () => {
  const command = startCommand()
  const key = await command.run('create', 'acme')
  expect(await command.run('revoke', key.slice(4, 16))).toBe(
    `Revoked: ${key.slice(4, 16)} of acme, at 2025-01-01T00:00:00Z`,
  )
  await expect(withAuth(command, auth => auth.authenticate(key, HERE))).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  })
  await expect(command.run('revoke', 'nobody')).rejects.toThrow('There is no key nobody')
})

test.each([
  ['a name with spaces', ['create', 'a b']],
  ['no name', ['create']],
  ['an unknown scope', ['create', 'acme', '--scopes', 'read,write']],
  ['no scope', ['create', 'acme', '--scopes', '']],
  ['a negative limit', ['create', 'acme', '--sockets', '-1']],
  ['a limit that is not a number', ['create', 'acme', '--sockets', 'many']],
  ['zero days', ['create', 'acme', '--expires-days', '0']],
  ['too many days', ['create', 'acme', '--expires-days', '36501']],
])('create rejects %s', async (_, args) => {
  const command = startCommand()
  await expect(command.run(...args)).rejects.toMatchObject({ exitCode: 1 })
  expect(existsSync(command.env.DATA_DIR!)).toBe(false)
})

test('keys cannot be kept in memory', async () => {
  await expect(startCommand({ DATABASE_URL: ':memory:' }).run('create', 'acme')).rejects.toThrow(/^DATABASE_URL/)
})

/** The command on a database of its own. `run` returns what it printed; `explained` holds its explanations. */
function startCommand(env: Record<string, string> = { DATA_DIR: join(folder, String(folders++)) }) {
  const clock = createManualClock()
  const explained: string[] = []
  const run = async (...args: string[]) => {
    explained.length = 0
    const printed: string[] = []
    const program = new Command('lipsync-gateway')
    program.exitOverride().configureOutput({ writeErr: () => {}, writeOut: text => void printed.push(text) })
    addKeysCommand(program, {
      env,
      clock,
      print: line => void printed.push(line),
      explain: line => void explained.push(line),
    })
    await program.parseAsync(['keys', ...args], { from: 'user' })
    return printed.join('\n')
  }
  return { clock, explained, run, env }
}

async function withAuth<T>(
  { env, clock }: ReturnType<typeof startCommand>,
  use: (auth: ReturnType<typeof createAuthenticator>) => Promise<T>,
): Promise<T> {
  const database = openDatabase(`file:${join(env.DATA_DIR!, 'gateway.db')}`)
  const parts = {
    keys: createKeyStore(database),
    clock,
    log: createLog('silent'),
    mode: null,
    jwt: null,
    limits: LIMITS,
  }
  return use(createAuthenticator(parts)).finally(() => database.close())
}
