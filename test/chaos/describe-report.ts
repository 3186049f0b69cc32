import type { ChaosOptions, ChaosReport } from './run-chaos.js'
import { exactlyCounted, fullestWindow } from './verdict.js'

const WIDTH = 66
const SHOWN = 5

const row = (name: string, value: string | number) => `  ${name.padEnd(WIDTH)} ${String(value).padStart(6)}`
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
const tally = (names: readonly string[]): [string, number][] => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The counts as a table, then the promises and how often each was broken. */
export const describeReport = (
  report: ChaosReport,
  { seed, tasks, kills, seconds, speed, keep }: ChaosOptions,
): string => {
  const { evidence, blows, lives, played, promises, drained, realSeconds, minutes } = report
  const { heard, stories, steps, jobs, submits } = evidence
  const kept = evidence.tasks
  const broken = promises.filter(promise => promise.broken.length > 0)
  return [
    `${minutes.toFixed(1)} minutes in ${realSeconds.toFixed(1)} s`,
    '',
    'The gateway',
    row('killed with -9', blows.kill),
    row('asked to stop', blows.stop),
    row('suspended for a while', blows.freeze),
    row('gateways, one after the other', lives),
    'The upstream',
    ...[...played].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => row(name, count)),
    row('submits, accepted or not', submits.length),
    row('submits in the fullest 60 s', fullestWindow(submits)),
    row('jobs accepted, and paid', jobs.length),
    row('  of which for inputs that only one task has', exactlyCounted(jobs)),
    'The tasks',
    row('accepted', kept.length),
    ...tally(kept.map(task => task.failureCode ?? task.stage)).map(([name, count]) => row(`  ${name}`, count)),
    row('answers lost, and asked for again by clients', sum(heard.map(({ repeats }) => repeats))),
    row('submits whose answer was lost', steps.filter(step => step.stage === 'unknown').length),
    row('  of which found upstream', steps.filter(step => step.reason === 'found upstream by its inputs').length),
    row('  of which surely not accepted', steps.filter(step => step.reason?.startsWith('surely not')).length),
    'The followers',
    row('of all tasks, and of one', stories.length),
    row('transitions in the log', steps.length),
    row('transitions told', sum(stories.map(({ cursors }) => cursors.length))),
    row('states told again without a transition', sum(stories.map(({ retold }) => retold))),
    row('connections lost, and gone on with a cursor', sum(stories.map(({ reconnects }) => reconnects))),
    'The promises, and how often each was broken',
    ...promises.map(promise => row(promise.promise, promise.broken.length)),
    ...broken.flatMap(({ promise, broken: how }) => [
      '',
      `BROKEN: ${promise}`,
      ...how.slice(0, SHOWN).map(one => `  ${one}`),
    ]),
    ...(drained ? [] : ['', `NOT AT ITS END after ${seconds} s`]),
    ...(keep ? ['', `kept: ${report.folder}`] : []),
    '',
    `again: npm run chaos -- --seed ${seed} --tasks ${tasks} --kills ${kills} --seconds ${seconds} --speed ${speed}`,
  ].join('\n')
}
