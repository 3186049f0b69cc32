import { type Command, InvalidArgumentError } from 'commander'
import { createApiKey, hashSecret } from '../auth/api-key.js'
import { isCallerName } from '../auth/caller-name.js'
import type { ApiKey, KeyStore } from '../auth/ports.js'
import { type Clock, systemClock } from '../clock.js'
import { configFromEnv } from '../config.js'
import { type CallerLimits, SCOPES, type Scope } from '../tasks/caller.js'

/** Where the commands read and write, so that tests can put something else in place. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** The result, for programs too. */
  readonly print: (line: string) => void
  /** What is said beside it, to people. */
  readonly tell: (line: string) => void
}

const OWN: Terminal = { env: process.env, clock: systemClock, print: console.log, tell: console.error }
const DAY_MS = 86_400_000
const DEFAULT_SCOPES: readonly Scope[] = ['read', 'create']
/** A hundred years. */
const MOST_DAYS = 36_500

type CreateOptions = { readonly scopes?: readonly Scope[]; readonly expiresDays?: number } & {
  readonly [L in keyof CallerLimits]?: number | 'none'
}

/** Adds `keys create | list | revoke`. They work on the database itself: a running gateway canSee the change at once. */
export const addKeysCommand = (program: Command, { env, clock, print, tell }: Terminal = OWN): void => {
  const withKeys = async <T>(use: (keys: KeyStore) => Promise<T>): Promise<T> => {
    const config = configFromEnv(env)
    if (config.databaseUrl === ':memory:') throw new Error('DATABASE_URL: keys cannot be kept in :memory:')
    const { openKeyStore } = await import('../store/open-store.js')
    await using store = await openKeyStore(config)
    return await use(store.keys)
  }

  const commands = program
    .command('keys')
    .description('Make, list and revoke the API keys of callers.')
    .addHelpText('after', '\nReads the same environment variables as serve: DATABASE_URL, or DATA_DIR.')

  commands
    .command('create')
    .description('Make a key for a caller, and print it: it is shown this once. A caller may have several keys.')
    .argument('<name>', 'the caller: whose tasks they are', toCallerName)
    .option('--scopes <list>', 'what it may do: read, create, admin (default: read,create)', toScopes)
    .option('--expires-days <n>', 'how long it is good (default: until it is revoked)', toWhole(1, MOST_DAYS))
    .option('--creates-per-minute <n>', 'instead of LIMIT_CREATES_PER_MINUTE; none: no limit, here and below', toLimit)
    .option('--waiting-tasks <n>', 'instead of LIMIT_WAITING_TASKS', toLimit)
    .option('--sockets <n>', 'instead of LIMIT_SOCKETS', toLimit)
    .option('--subscriptions <n>', 'instead of LIMIT_SUBSCRIPTIONS', toLimit)
    .option('--monthly-credits <n>', 'instead of LIMIT_MONTHLY_CREDITS', toLimit)
    .action((caller: string, { scopes = DEFAULT_SCOPES, expiresDays, ...given }: CreateOptions) =>
      withKeys(async keys => {
        const isFirst = !(await keys.everCreated())
        const { id, secret, text } = createApiKey()
        const createdAt = clock.now()
        const expiresAt = expiresDays === undefined ? null : createdAt + expiresDays * DAY_MS
        await keys.create({
          id,
          caller,
          hash: hashSecret(secret),
          scopes,
          limits: limitsIn(given),
          createdAt,
          expiresAt,
        })
        print(text)
        tell(
          `This is the only time the key is shown. Send it as "Authorization: Bearer ${text.slice(0, 6)}…", or as x-api-key.`,
        )
        if (isFirst) {
          tell('It is the first one: from now on the gateway asks every caller for a credential (unless AUTH=open).')
          tell('Tasks made before it belong to the caller "open": a key of that name shows them.')
        }
      }),
    )

  commands
    .command('list')
    .description(
      'Show all keys, the oldest first: whose they are, what they may do, and their times. Never the secrets.',
    )
    .action(() => withKeys(async keys => print(tableOf(await keys.list()))))

  commands
    .command('revoke')
    .description('Revoke a key for good. Within a second nothing that it opened stays open.')
    .argument('<id>', 'the id that the list shows')
    .action((id: string) =>
      withKeys(async keys => {
        const key = await keys.revoke(id, clock.now())
        if (!key) throw new Error(`There is no key ${id}; "lipsync-gateway keys list" shows them all.`)
        print(`Revoked: ${key.id} of ${key.caller}, at ${timeOf(key.revokedAt)}`)
      }),
    )
}

const TITLES = ['ID', 'CALLER', 'SCOPES', 'LIMITS', 'CREATED', 'LAST USED', 'EXPIRES', 'REVOKED']

const tableOf = (keys: readonly ApiKey[]): string => {
  const rows = [TITLES, ...keys.map(rowOf)]
  const widths = TITLES.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const rowOf = ({ id, caller, scopes, limits, createdAt, lastUsedAt, expiresAt, revokedAt }: ApiKey): string[] => {
  const own = Object.entries(limits).map(([limit, value]) => `${limit}=${value ?? 'none'}`)
  return [
    id,
    caller,
    scopes.join(','),
    own.join(',') || '-',
    ...[createdAt, lastUsedAt, expiresAt, revokedAt].map(timeOf),
  ]
}

/** `2025-01-01T00:00:00Z`, or a dash */
const timeOf = (at: number | null): string => (at === null ? '-' : `${new Date(at).toISOString().slice(0, 19)}Z`)

const toCallerName = (text: string): string => {
  if (isCallerName(text)) return text
  throw new InvalidArgumentError('It must be 1 to 200 visible characters, without blanks.')
}

const toScopes = (text: string): Scope[] => {
  const named = text.split(',').map(scope => scope.trim())
  const known = SCOPES.filter(scope => named.includes(scope))
  if (known.length === new Set(named).size) return known
  throw new InvalidArgumentError(`They are ${SCOPES.join(', ')}, separated by commas.`)
}

const toWhole =
  (from: number, to: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= from && value <= to) return value
    throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`)
  }

/** Not null, which commander takes for an empty text. */
const toLimit = (text: string): number | 'none' => (text === 'none' ? text : toWhole(0, 1_000_000_000)(text))

const limitsIn = (given: Readonly<Record<string, number | 'none'>>): Partial<CallerLimits> =>
  Object.fromEntries(Object.entries(given).map(([limit, value]) => [limit, value === 'none' ? null : value]))
