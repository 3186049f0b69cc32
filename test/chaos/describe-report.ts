import { MISFORTUNES_OF, STRIKES } from './misfortunes.js'
import type { History } from './read-database.js'
import type { ChaosOptions, ChaosReport } from './run-chaos.js'
import { exactlyCounted, fullestWindow, lostTasks, submitDurations } from './verdict.js'

const WIDTH = 66
const SHOWN = 5

/** The counts as a table, then the promises and how often each was broken. */
export function describeReport(report: ChaosReport, options: ChaosOptions): string {
  const { evidence, starts, played, verdicts, drained, realSeconds, minutes } = report
  const { clients, followers, history, jobs, submits, strikes, givenUp } = evidence
  const { steps, tasks } = history
  const chapters = followers.flatMap(follower => follower.chapters)
  const broken = verdicts.filter(verdict => verdict.broken.length > 0)
  return [
    `${minutes.toFixed(1)} minutes in ${realSeconds.toFixed(1)} s`,
    '',
    'The misfortunes',
    ...STRIKES.map(name => row(name, strikes.counts.get(name) ?? 0)),
    row('gateways started', starts),
    'The upstream',
    ...[...played].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => row(name, count)),
    row('submits, accepted or not', submits.length),
    row('submits in the fullest 60 s', fullestWindow(submits)),
    row('jobs accepted, and paid', jobs.length),
    row('  of which for inputs that only one task has', exactlyCounted(jobs)),
    'The tasks',
    row('accepted', tasks.length),
    ...tally(tasks.map(task => task.failureCode ?? task.stage)).map(([name, count]) => row(`  ${name}`, count)),
    row('lost by a restored backup', lostTasks(history, strikes).size),
    row('given up by a person', givenUp.size),
    row('answers lost, and calls repeated by clients', sum(clients.map(({ repeats }) => repeats))),
    row('submits whose answer was lost', steps.filter(step => step.stage === 'unknown').length),
    ...tally(steps.flatMap(({ stage, reason }) => (stage === 'unknown' ? [] : (reason ?? []))))
      .filter(([, count]) => count > 1)
      .map(([reason, count]) => row(`  ${reason.slice(0, WIDTH - 4)}`, count)),
    row('longest time from a submit to its outcome, in s', longestSubmit(history)),
    row('status checks', evidence.checks.length),
    'The followers',
    row('of all tasks, and of one', followers.length),
    row('transitions in the log', steps.length),
    row('transitions received', sum(chapters.map(({ cursors }) => cursors.length))),
    row('events repeated with the latest cursor', sum(followers.map(({ repeated }) => repeated))),
    row('connections lost and resumed with a cursor', sum(followers.map(({ reconnects }) => reconnects))),
    row('cursors refused because a backup was restored', chapters.length - followers.length),
    'The promises, and how often each was broken',
    ...verdicts.map(verdict => row(verdict.promise, verdict.broken.length)),
    ...broken.flatMap(({ promise, broken: cases }) => [
      '',
      `BROKEN: ${promise}`,
      ...cases.slice(0, SHOWN).map(one => `  ${one}`),
    ]),
    ...(drained ? [] : ['', `NOT FINISHED after ${options.seconds} s`]),
    ...(options.keep ? ['', `kept: ${report.folder}`] : []),
    '',
    `again: ${commandOf(options)}`,
  ].join('\n')
}

function commandOf({
  seed,
  tasks,
  kills,
  seconds,
  speed,
  database = 'sqlite',
  nodes = 1,
  ...rest
}: ChaosOptions): string {
  const all = MISFORTUNES_OF[database]
  const { only = all } = rest
  const chosen = only.length === all.length ? [] : only.map(name => ` --only ${name}`)
  return `npm run chaos -- --seed ${seed} --tasks ${tasks} --kills ${kills} --seconds ${seconds} --speed ${speed} --database ${database} --nodes ${nodes}${chosen.join('')}`
}

function longestSubmit(history: History): string {
  return (Math.max(0, ...submitDurations(history).map(({ ms }) => ms)) / 1_000).toFixed(1)
}

function row(name: string, value: string | number): string {
  return `  ${name.padEnd(WIDTH)} ${String(value).padStart(6)}`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function tally(names: readonly string[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
}
