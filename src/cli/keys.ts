import columnify from 'columnify'
import { type Command, InvalidArgumentError } from 'commander'
import { createApiKey, hashSecret } from '../auth/api-key.js'
import { isCallerName } from '../auth/caller-name.js'
import type { ApiKey, KeyStore } from '../auth/ports.js'
import { type Clock, systemClock } from '../clock.js'
import { configFromEnv } from '../config.js'
import { type CallerLimits, SCOPES, type Scope } from '../tasks/caller.js'
import { toWhole } from './parse-argument.js'

/** The surroundings of the commands. Tests provide their own. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Prints the result, which a program may read. */
  readonly print: (line: string) => void
  /** Prints an explanation for people. */
  readonly explain: (line: string) => void
}

const PROCESS: Terminal = { env: process.env, clock: systemClock, print: console.log, explain: console.error }
const DAY_MS = 86_400_000
const DEFAULT_SCOPES: readonly Scope[] = ['read', 'create']
/** A hundred years. */
const MAX_DAYS = 36_500

type CreateOptions = { readonly scopes?: readonly Scope[]; readonly expiresDays?: number } & {
  readonly [L in keyof CallerLimits]?: number | 'none'
}

/** Adds `keys create | list | revoke`. They write to the database; a running gateway sees the change within a second. */
export function addKeysCommand(program: Command, terminal: Terminal = PROCESS): void {
  const { env, clock, print, explain } = terminal
  const keysCommand = program
    .command('keys')
    .description('Create, list and revoke the API keys of callers.')
    .addHelpText('after', '\nReads the environment variables of serve: DATABASE_URL, or DATA_DIR.')

  keysCommand
    .command('create')
    .description('Create a key for a caller and print it. It is shown only once. A caller may have several keys.')
    .argument('<caller>', 'name of the caller, who owns the tasks created with the key', toCallerName)
    .option('--scopes <list>', 'what the key allows: read, create, admin (default: read,create)', toScopes)
    .option('--expires-days <n>', 'days until the key expires (default: never)', toWhole(1, MAX_DAYS))
    .option('--creates-per-minute <n>', 'replaces LIMIT_CREATES_PER_MINUTE; "none" removes the limit', toLimit)
    .option('--waiting-tasks <n>', 'replaces LIMIT_WAITING_TASKS', toLimit)
    .option('--sockets <n>', 'replaces LIMIT_SOCKETS', toLimit)
    .option('--subscriptions <n>', 'replaces LIMIT_SUBSCRIPTIONS', toLimit)
    .option('--monthly-credits <n>', 'replaces LIMIT_MONTHLY_CREDITS', toLimit)
    .option('--upload-bytes <n>', 'replaces LIMIT_UPLOAD_BYTES', toLimit)
    .action((caller: string, { scopes = DEFAULT_SCOPES, expiresDays, ...limits }: CreateOptions) =>
      withKeys(env, async keys => {
        const isFirst = !(await keys.everCreated())
        const { id, secret, text } = createApiKey()
        const createdAt = clock.now()
        const expiresAt = expiresDays === undefined ? null : createdAt + expiresDays * DAY_MS
        const hash = hashSecret(secret)
        await keys.create({ id, caller, hash, scopes, limits: toLimits(limits), createdAt, expiresAt })
        print(text)
        explain(`The key is not shown again. Send it as "Authorization: Bearer ${text.slice(0, 6)}…" or as x-api-key.`)
        if (isFirst) {
          explain('This is the first key: from now on every request needs a credential (unless AUTH=open).')
          explain('Earlier tasks belong to the caller "open": a key of that name shows them.')
        }
      }),
    )

  keysCommand
    .command('list')
    .description('List all keys, oldest first, with their callers, scopes, limits and times, and without the secrets.')
    .action(() => withKeys(env, async keys => print(toTable(await keys.list()))))

  keysCommand
    .command('revoke')
    .description('Revoke a key permanently. Requests, sockets and streams that use it end within a second.')
    .argument('<id>', 'the id that "keys list" shows')
    .action((id: string) =>
      withKeys(env, async keys => {
        const key = await keys.revoke(id, clock.now())
        if (!key) throw new Error(`There is no key ${id}. "lipsync-gateway keys list" lists all keys.`)
        print(`Revoked: ${key.id} of ${key.caller}, at ${toTime(key.revokedAt)}`)
      }),
    )
}

async function withKeys<T>(env: Terminal['env'], use: (keys: KeyStore) => Promise<T>): Promise<T> {
  const config = configFromEnv(env)
  if (config.databaseUrl === ':memory:') throw new Error('DATABASE_URL: keys cannot be kept in :memory:')
  const { openKeyStore } = await import('../store/open-store.js')
  await using store = await openKeyStore(config)
  return await use(store.keys)
}

const COLUMNS = ['id', 'caller', 'scopes', 'limits', 'created', 'last used', 'expires', 'revoked']

function toTable(keys: readonly ApiKey[]): string {
  const rows = keys.map(({ id, caller, scopes, limits, createdAt, lastUsedAt, expiresAt, revokedAt }) => ({
    id,
    caller,
    scopes: scopes.join(','),
    limits:
      Object.entries(limits)
        .map(([limit, value]) => `${limit}=${value ?? 'none'}`)
        .join(',') || '-',
    created: toTime(createdAt),
    'last used': toTime(lastUsedAt),
    expires: toTime(expiresAt),
    revoked: toTime(revokedAt),
  }))
  const table = columnify(rows, { columns: COLUMNS, columnSplitter: '  ' })
  return table.replace(/ +$/gm, '')
}

/** `2025-01-01T00:00:00Z`, or a dash */
function toTime(at: number | null): string {
  return at === null ? '-' : `${new Date(at).toISOString().slice(0, 19)}Z`
}

function toCallerName(text: string): string {
  if (isCallerName(text)) return text
  throw new InvalidArgumentError('It must be 1 to 200 visible characters, without spaces.')
}

function toScopes(text: string): Scope[] {
  const named = text.split(',').map(scope => scope.trim())
  const known = SCOPES.filter(scope => named.includes(scope))
  if (known.length === new Set(named).size) return known
  throw new InvalidArgumentError(`The scopes are ${SCOPES.join(', ')}, separated by commas.`)
}

/** Returns "none" rather than null, which commander would replace with an empty text. */
function toLimit(text: string): number | 'none' {
  return text === 'none' ? text : toWhole(0, 1_000_000_000)(text)
}

function toLimits(given: Readonly<Record<string, number | 'none'>>): Partial<CallerLimits> {
  return Object.fromEntries(Object.entries(given).map(([limit, value]) => [limit, value === 'none' ? null : value]))
}
