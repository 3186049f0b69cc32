import { parseArgs } from 'node:util'
import { describeReport } from './describe-report.js'
import { type ChaosOptions, runChaos } from './run-chaos.js'

const HELP = `npm run chaos -- [options]

Kills a gateway again and again between clients who don't give up and an upstream on a bad day,
then holds it to its promises. Ends with 1 when one was broken.

  --seed N      decides what goes wrong (default: a new one each time)
  --tasks N     orders, 1 to 1000 (default: 120)
  --kills N     kills with -9, 0 to 100 (default: 15)
  --seconds N   the longest it may take, 5 to 600 (default: 120)
  --speed N     how much faster than real its time goes, 1 to 60 (default: 20)
  --keep        keeps the folder with the database and the gateway's log
`

const wholeNumber = (name: string, text: string | undefined, from: number, to: number, otherwise: number): number => {
  if (text === undefined) return otherwise
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= from && number <= to) return number
  throw new Error(`--${name} must be a whole number from ${from} to ${to}`)
}

const readOptions = (): ChaosOptions | null => {
  const text = { type: 'string' } as const
  const options = {
    seed: text,
    tasks: text,
    kills: text,
    seconds: text,
    speed: text,
    keep: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const
  const { values } = parseArgs({ options })
  if (values.help) return null
  return {
    seed: wholeNumber('seed', values.seed, 0, 2 ** 32 - 1, Math.floor(Math.random() * 1_000_000)),
    tasks: wholeNumber('tasks', values.tasks, 1, 1_000, 120),
    kills: wholeNumber('kills', values.kills, 0, 100, 15),
    seconds: wholeNumber('seconds', values.seconds, 5, 600, 120),
    speed: wholeNumber('speed', values.speed, 1, 60, 20),
    keep: values.keep ?? false,
  }
}

const main = async (): Promise<number> => {
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
  return report.drained && report.promises.every(({ broken }) => broken.length === 0) ? 0 : 1
}

process.exitCode = await main().catch((thrown: Error) => {
  console.error(thrown.message)
  return 2
})
