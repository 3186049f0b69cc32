import { NEXT, type Stage } from '../../src/tasks/task.js'
import type { JoggJob } from '../support/jogg.js'
import type { ClientRecord } from './clients.js'
import type { FollowerRecord } from './follower.js'
import { missedSteps } from './followers-verdict.js'
import { isTwin } from './plan.js'
import type { History, LogStep, StoredTask } from './read-database.js'
import type { StrikeRecord } from './strikes.js'

/** All that is known at the end, from outside the gateway and from its database. */
export interface Evidence {
  readonly clients: readonly ClientRecord[]
  readonly followers: readonly FollowerRecord[]
  readonly history: History
  readonly jobs: readonly JoggJob[]
  /** When the submits arrived upstream. */
  readonly submits: readonly number[]
  readonly submitsPerMinute: number
  readonly strikes: StrikeRecord
  /** Tasks that waited for the decision of a person, who gave them up. */
  readonly givenUp: ReadonlySet<string>
  /** Jobs that the upstream no longer knows, so that no look-up finds them. */
  readonly forgottenJobs: ReadonlySet<string>
  /** How many gateways did not shut down when asked. */
  readonly deafStops: number
  /** The status checks that arrived upstream. */
  readonly checks: readonly { readonly taskId: string; readonly at: number }[]
  /** How long a submit may be without an outcome; null: until the only gateway starts again. */
  readonly takeOver: { readonly withinMs: number } | null
}

/** A promise, and each case in which it was broken. */
export interface Verdict {
  readonly promise: string
  readonly broken: readonly string[]
}

const WINDOW_MS = 60_000
/** Less than the shortest interval, because a request may be held up on its way. */
const SHORTEST_INTERVAL_MS = 300
/** Tasks that may become UNKNOWN in half an hour of outage: those before the pause, again after each restart. */
const UNKNOWN_IN_OUTAGE = 5

/** Holds the evidence against every promise of the gateway. */
export function judge(evidence: Evidence): Verdict[] {
  const { clients, followers, history, submits, submitsPerMinute, strikes, givenUp, deafStops } = evidence
  const { steps, tasks } = history
  return [
    ...judgeTasks(evidence),
    ...judgeMoney(evidence),
    {
      promise: 'no task ends badly except by what the upstream did',
      broken: tasks
        .filter(({ id }) => !givenUp.has(id))
        .filter(({ failureCode }) => failureCode === 'SUBMIT_UNRESOLVED' || failureCode === 'EXPIRED')
        .map(({ id, failureCode }) => `${id}: ${failureCode}`),
    },
    {
      promise: 'no task waits for a person, except after a restore',
      broken: strikes.restores.length > 0 ? [] : [...givenUp],
    },
    {
      promise: 'each step of the log follows the life of a task',
      broken: [...groupBy(steps, step => step.taskId).values()].flatMap(invalidSteps),
    },
    {
      promise: 'every follower received its log, without gaps or duplicates',
      broken: strikes.restores.every(({ isNoticeable }) => isNoticeable)
        ? followers.flatMap(follower => missedSteps(follower, evidence))
        : [],
    },
    {
      promise: `no more than ${submitsPerMinute} submits in any 60 s`,
      broken: fullestWindow(submits) > submitsPerMinute ? [`${fullestWindow(submits)} submits`] : [],
    },
    {
      promise: 'an outage of the upstream pauses the queue',
      broken: strikes.outages
        .map(({ fromSeq, toSeq }) => steps.filter(step => isUnknownBetween(step, fromSeq, toSeq)).length)
        .filter(count => count > UNKNOWN_IN_OUTAGE)
        .map(count => `${count} tasks became UNKNOWN`),
    },
    {
      promise: 'a second gateway on the database is refused and told of the first',
      broken: strikes.seconds
        .filter(({ pid, error }) => error === null || !error.includes(`process ${pid}`))
        .map(({ error }) => error ?? 'it served'),
    },
    {
      promise: 'each status check is made once per interval',
      broken: strikes.restores.length > 0 ? [] : shortGaps(evidence.checks),
    },
    {
      promise: 'a submit whose gateway is lost is taken over in time',
      broken: longSubmits(history, evidence.takeOver?.withinMs ?? Number.POSITIVE_INFINITY),
    },
    { promise: 'a gateway shuts down when asked', broken: deafStops > 0 ? [`${deafStops} did not`] : [] },
    {
      promise: 'a restored database is noticed',
      broken: strikes.restores
        .filter(({ isNoticeable, lost }) => isNoticeable && lost.epoch === history.epoch)
        .map(({ lost }) => lost.epoch),
    },
    {
      promise: 'no answer is unexpected',
      broken: [...clients.flatMap(({ surprises }) => surprises), ...followers.flatMap(({ surprises }) => surprises)],
    },
  ]
}

function judgeTasks({ clients, history, strikes }: Evidence): Verdict[] {
  const { tasks } = history
  const byId = new Map(tasks.map(task => [task.id, task]))
  const lost = lostTasks(history, strikes)
  const rewound = rewoundTasks(strikes)
  const isMissing = (id: string) => {
    const task = byId.get(id)
    return task ? NEXT[task.stage].length > 0 : !lost.has(id)
  }
  return [
    {
      promise: 'no accepted task is lost: each exists and reached its end',
      broken: clients.flatMap(({ ids }) => [...ids].filter(isMissing)),
    },
    {
      promise: 'one task for each idempotency key',
      broken: [
        ...clients.filter(({ ids }) => [...ids].filter(id => !lost.has(id)).length !== 1).map(({ order }) => order.key),
        ...[...groupBy(tasks, task => task.idempotencyKey)].filter(([, own]) => own.length > 1).map(([key]) => key),
      ],
    },
    {
      promise: 'no task is unknown to the gateway, except after a restore',
      broken:
        strikes.restores.length > 0 ? [] : clients.filter(client => client.notFound).map(({ order }) => order.key),
    },
    {
      promise: 'a task reported as canceled stays so and is not paid for',
      broken: clients
        .filter(({ canceled }) => canceled)
        .flatMap(({ ids }) => [...ids].filter(id => !rewound.has(id) && byId.get(id)?.stage !== 'canceled')),
    },
  ]
}

function judgeMoney({ history, jobs, strikes, givenUp, forgottenJobs }: Evidence): Verdict[] {
  const { tasks } = history
  const lost = [...lostTasks(history, strikes).values()]
  const rewound = rewoundTasks(strikes)
  const sent = sentTasks(history, strikes)
  const ownersOf = groupBy(
    tasks.filter(task => task.upstreamId !== null),
    task => task.upstreamId!,
  )
  const everOwned = new Set([...tasks, ...strikes.restores.flatMap(restore => restore.lost.tasks)].map(taskOwning))
  /** A cancel that was accepted although the task had been sent in the history that the restore lost. */
  const isExcused = ({ id, stage }: StoredTask) => givenUp.has(id) || (stage === 'canceled' && rewound.has(id))
  const mayBePaid = (videoUrl: string) =>
    [...tasks, ...lost].filter(
      task => task.videoUrl === videoUrl && sent.has(task.id) && (task.stage !== 'canceled' || isExcused(task)),
    ).length
  /** What a restore made the gateway forget and the upstream forgot as well, nothing can find. */
  const findable = jobs.filter(job => strikes.restores.length === 0 || !forgottenJobs.has(job.taskId))
  return [
    {
      promise: 'at most one paid job for each task',
      broken: [...groupBy(findable, job => job.inputs.videoUrl)]
        .filter(([videoUrl, paid]) => paid.length > mayBePaid(videoUrl))
        .map(([videoUrl, paid]) => `${videoUrl}: ${paid.map(job => job.taskId).join(', ')}`),
    },
    {
      promise: 'each paid job belongs to a task',
      broken: jobs
        .filter(job => !everOwned.has(job.taskId))
        .filter(job => !tasks.some(task => task.videoUrl === job.inputs.videoUrl && isExcused(task)))
        .map(job => `${job.inputs.videoUrl}: ${job.taskId}`),
    },
    {
      promise: 'no two tasks share a job, even when their inputs are equal',
      broken: [...ownersOf].filter(([, own]) => own.length > 1).map(([job]) => job),
    },
    {
      promise: "each result is that of the task's own job",
      broken: tasks.filter(task => task.stage === 'success' && !hasOwnResult(task, jobs)).map(task => task.id),
    },
  ]
}

/** How many submits arrived in the fullest 60 s. */
export function fullestWindow(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b)
  return Math.max(0, ...sorted.map(from => sorted.filter(at => at >= from && at < from + WINDOW_MS).length))
}

/** Checks of one job that came sooner than any interval allows, which begins at 1 s after an error. */
function shortGaps(checks: Evidence['checks']): string[] {
  return [...groupBy(checks, ({ taskId }) => taskId)].flatMap(([taskId, own]) =>
    own.slice(1).flatMap(({ at }, index) => {
      const gap = at - own[index]!.at
      return gap < SHORTEST_INTERVAL_MS ? [`${taskId}: ${gap} ms after the one before`] : []
    }),
  )
}

/** How long each submit was without an outcome. */
export function submitDurations({ steps }: History): { readonly taskId: string; readonly ms: number }[] {
  return [...groupBy(steps, step => step.taskId)].flatMap(([taskId, own]) =>
    own.flatMap(({ stage, mono }, index) => {
      const next = own[index + 1]
      return stage === 'submitting' && next ? [{ taskId, ms: next.mono - mono }] : []
    }),
  )
}

function longSubmits(history: History, withinMs: number): string[] {
  return submitDurations(history).flatMap(({ taskId, ms }) => (ms > withinMs ? [`${taskId}: ${ms} ms`] : []))
}

/** Jobs of inputs that only one task has: for these the count per task is exact. */
export function exactlyCounted(jobs: readonly JoggJob[]): number {
  return jobs.filter(job => !isTwin(job.inputs)).length
}

/** The tasks that a restored backup did not have yet. */
export function lostTasks(history: History, { restores }: StrikeRecord): ReadonlyMap<string, StoredTask> {
  const kept = new Set(history.tasks.map(task => task.id))
  const all = restores.flatMap(({ lost }) => lost.tasks)
  return new Map(all.filter(({ id }) => !kept.has(id)).map(task => [task.id, task]))
}

/** The tasks of which a restored backup lost at least one step. */
function rewoundTasks({ restores }: StrikeRecord): ReadonlySet<string> {
  return new Set(
    restores.flatMap(({ lost, keptSeq }) => lost.steps.filter(({ seq }) => seq > keptSeq).map(({ taskId }) => taskId)),
  )
}

/** The tasks that were sent, in this history or in one that a restore lost. */
function sentTasks({ steps }: History, { restores }: StrikeRecord): ReadonlySet<string> {
  const all = [...steps, ...restores.flatMap(({ lost }) => lost.steps)]
  return new Set(all.filter(({ stage }) => stage === 'submitting').map(({ taskId }) => taskId))
}

function hasOwnResult(task: StoredTask, jobs: readonly JoggJob[]): boolean {
  const job = jobs.find(({ taskId }) => taskId === task.upstreamId)
  if (!job?.output || task.resultUrl === null) return false
  // A relative link is completed by the gateway, so only the path is the job's.
  const isSamePath = new URL(job.output.resultUrl).pathname === new URL(task.resultUrl).pathname
  return isSamePath && job.inputs.videoUrl === task.videoUrl
}

function taskOwning({ upstreamId }: StoredTask): string | null {
  return upstreamId
}

function isUnknownBetween({ seq, stage }: LogStep, fromSeq: number, toSeq: number): boolean {
  return stage === 'unknown' && seq > fromSeq && seq <= toSeq
}

function invalidSteps(own: readonly LogStep[]): string[] {
  return own.flatMap((step, index) => {
    const before = own[index - 1]
    const allowed: readonly Stage[] = before ? NEXT[before.stage] : ['queued']
    return allowed.includes(step.stage) ? [] : [`${step.taskId}: ${before?.stage} to ${step.stage}`]
  })
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}
