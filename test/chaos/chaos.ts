import { parseArgs } from 'node:util'
import { DATABASES } from './chaos-database.js'
import { describeReport } from './describe-report.js'
import { MISFORTUNES, MISFORTUNES_OF, type Misfortune } from './misfortunes.js'
import { type ChaosOptions, runChaos } from './run-chaos.js'

const HELP = `npm run chaos -- [options]

Strikes a gateway again and again between clients that do not give up and an upstream on a bad day,
then checks its promises. Exits with 1 when one was broken.

  --seed N      decides what goes wrong (default: a new one each time)
  --tasks N     orders, 1 to 1000 (default: 120)
  --kills N     kills with -9, 0 to 100 (default: 15); other misfortunes happen a fifth as often
  --seconds N   the longest it may take, 5 to 900 (default: 300)
  --speed N     how much faster than real time it goes, 1 to 60 (default: 20)
  --database D  sqlite or postgres (default: sqlite); postgres starts a server of its own
  --nodes N     gateways on a Postgres database, 1 to 8 (default: 1)
  --only NAME   one of ${MISFORTUNES.join(', ')};
                may be repeated (default: all that the database allows)
  --keep        keeps the folder with the database and the gateway's log
`

process.exitCode = await main().catch((thrown: Error) => {
  console.error(thrown.message)
  return 2
})

async function main(): Promise<number> {
  const options = readOptions()
  if (!options) {
    console.log(HELP)
    return 0
  }
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
  console.log(`seed ${options.seed}: ${options.tasks} tasks, ${options.kills} kills, at most ${options.seconds} s`)
  const report = await runChaos(options, interrupted.signal).catch(thrown => {
    if (interrupted.signal.aborted) return null
    throw thrown
  })
  if (!report || interrupted.signal.aborted) return 130
  console.log(describeReport(report, options))
  return report.drained && report.verdicts.every(({ broken }) => broken.length === 0) ? 0 : 1
}

function readOptions(): ChaosOptions | null {
  const text = { type: 'string' } as const
  const options = {
    seed: text,
    tasks: text,
    kills: text,
    seconds: text,
    speed: text,
    database: text,
    nodes: text,
    only: { type: 'string', multiple: true },
    keep: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const
  const { values } = parseArgs({ options })
  if (values.help) return null
  const database = DATABASES.find(name => name === (values.database ?? 'sqlite'))
  if (!database) throw new Error(`--database must be one of ${DATABASES.join(', ')}`)
  const nodes = wholeNumber('nodes', values.nodes, 1, 8, 1)
  if (database === 'sqlite' && nodes > 1) throw new Error('--nodes: only one gateway may run on a SQLite database')
  return {
    seed: wholeNumber('seed', values.seed, 0, 2 ** 32 - 1, Math.floor(Math.random() * 1_000_000)),
    tasks: wholeNumber('tasks', values.tasks, 1, 1_000, 120),
    kills: wholeNumber('kills', values.kills, 0, 100, 15),
    seconds: wholeNumber('seconds', values.seconds, 5, 900, 300),
    speed: wholeNumber('speed', values.speed, 1, 60, 20),
    database,
    nodes,
    only: values.only?.map(misfortune) ?? MISFORTUNES_OF[database],
    keep: values.keep ?? false,
  }
}

function misfortune(name: string): Misfortune {
  const found = MISFORTUNES.find(known => known === name)
  if (!found) throw new Error(`--only must be one of ${MISFORTUNES.join(', ')}`)
  return found
}

function wholeNumber(name: string, text: string | undefined, from: number, to: number, otherwise: number): number {
  if (text === undefined) return otherwise
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= from && number <= to) return number
  throw new Error(`--${name} must be a whole number from ${from} to ${to}`)
}
