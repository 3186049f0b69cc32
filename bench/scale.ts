import { compare, compareStarts, MEASURES, merge, type Results } from './compare.js'
import { createGateway } from './contestants.js'
import { filledDatabase } from './filled-database.js'
import { queuePosition } from './measures/queue-position.js'
import { status } from './measures/status.js'
import { submitRound } from './measures/submit-round.js'
import { measurePolls, type PollFigures } from './polls.js'
import { describeRun, format, renderRows, runInfo } from './report.js'
import { type Output, publish, SIZES, withFolder } from './run.js'

interface Amounts {
  readonly finished: number
  readonly queued: number
  readonly active: number
  readonly pollSeconds: number
}

const FULL: Amounts = { finished: 1_000_000, queued: 20_000, active: 100_000, pollSeconds: 40 }
const QUICK: Amounts = { finished: 10_000, queued: 200, active: 1_000, pollSeconds: 12 }
/** A round lasts a minute: see `submitRound`. */
const SUBMIT_ROUNDS = 2
const FEW = 20
/** Few status checks besides the submits that are measured. */
const RARELY_CHECKED = { POLL_FIRST_MS: '10000', POLL_MIN_MS: '10000', POLL_MAX_MS: '10000' }

/** Measures what must not cost more as the history, the queue and the number of active tasks grow. */
export async function measureScale(output: Output): Promise<void> {
  const amounts = output.quick ? QUICK : FULL
  const info = runInfo(false)
  await withFolder(async folder => {
    const history = await measureHistory(amounts, output, folder)
    const queue = await measureQueue(amounts, output.quick, folder)
    const polls = await measurePolls(amounts.active, amounts.pollSeconds)
    publish(
      output,
      'bench-scale',
      { ...info, history, queue, polls },
      [
        describeRun(info),
        `**An empty database and one with ${format(amounts.finished)} finished tasks (${format(5 * amounts.finished)} rows in the log)**`,
        renderGrowth(history),
        `**A submit queue of ${FEW} tasks and one of ${format(amounts.queued)}**`,
        renderGrowth(queue),
        renderPolls(polls),
      ].join('\n\n'),
    )
  })
}

async function measureHistory({ finished }: Amounts, output: Output, folder: string): Promise<Results> {
  const [sizes, rounds] = output.quick ? [SIZES.quick, 1] : [SIZES.full, output.rounds]
  const database = filledDatabase(finished)
  using empty = await createGateway({ name: 'empty' }, folder)
  using filled = await createGateway({ name: `${format(finished)} tasks`, database }, folder)
  const contestants = [empty, filled]
  return merge(
    await compareStarts(contestants, sizes, rounds),
    await compare(contestants, [...MEASURES, status], sizes, rounds),
  )
}

async function measureQueue({ queued }: Amounts, quick: boolean, folder: string): Promise<Results> {
  const sizes = quick ? SIZES.quick : SIZES.full
  using short = await createGateway({ name: `${FEW} queued`, waiting: FEW, env: RARELY_CHECKED }, folder)
  using long = await createGateway({ name: `${format(queued)} queued`, waiting: queued, env: RARELY_CHECKED }, folder)
  return compare([short, long], [queuePosition, status, submitRound], sizes, quick ? 0 : SUBMIT_ROUNDS)
}

/** The costs that may be compared: what counts is how they grow. */
const COSTS = [
  ['read', 'cpu', 'read, µs of processor time'],
  ['list', 'cpu', 'list of 20, µs'],
  ['create', 'cpu', 'create, µs'],
  ['push', 'cpu', 'delivery to one follower, µs'],
  ['status', 'cpu', 'state of the gateway, µs'],
  ['queuePosition', 'cpu', '`queuePosition`, µs'],
  ['submitRound', 'cpu', 'submit, µs'],
  ['read', 'p99', 'read, p99 in ms'],
  ['list', 'p99', 'list of 20, p99 in ms'],
  ['create', 'p99', 'create by 32 callers, p99 in ms'],
  ['storm', 'stormP99', 'read while 32 callers create, p99 in ms'],
  ['push', 'p99', 'push, p99 in ms'],
  ['queuePosition', 'p99', '`queuePosition`, p99 in ms'],
  ['status', 'p99', 'state of the gateway, p99 in ms'],
  ['start', 'ms', 'start, ms'],
  ['start', 'mb', 'memory after the start, MB'],
  ['idle', 'kbPerFollower', 'memory of an idle follower, KB'],
] as const

/** One row for each cost, with the ratio of the two contestants. */
function renderGrowth(results: Results): string {
  const [[few, before] = [], [many, after] = []] = Object.entries(results)
  const rows = COSTS.flatMap(([measure, figure, title]) => {
    const [a, b] = [before?.[measure]?.[figure], after?.[measure]?.[figure]]
    if (a === undefined || b === undefined) return []
    return [[title, format(a, a < 100 ? 1 : 0), format(b, b < 100 ? 1 : 0), format(b / a, 2)]]
  })
  return renderRows(['', few ?? '', many ?? '', 'ratio'], rows)
}

function renderPolls({ tasks, checksPerSecond, interval, cpuShare, eventLoop }: PollFigures): string {
  return (
    `**${format(tasks)} active tasks, due every ${format(interval.configured)} s at the longest**\n\n` +
    `${format(checksPerSecond)} checks in a second; interval between two checks of a task in seconds: median ` +
    `${format(interval.median, 1)}, p99 ${format(interval.p99, 1)}, longest ${format(interval.longest, 1)}; ` +
    `${format(cpuShare * 100)} % of a core; event-loop delay p99 ${format(eventLoop.p99, 1)} ms, longest ` +
    `${format(eventLoop.longest, 1)} ms.`
  )
}
