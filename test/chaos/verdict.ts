import { NEXT, type Stage } from '../../src/tasks/task.js'
import type { JoggJob } from '../support/jogg.js'
import type { Heard } from './clients.js'
import type { Story } from './follower.js'
import type { Kept, Step } from './log-file.js'
import { isTwin } from './plan.js'

/** All that is known at the end, from outside the gateway and from its database. */
export interface Evidence {
  readonly heard: readonly Heard[]
  readonly stories: readonly Story[]
  readonly steps: readonly Step[]
  readonly tasks: readonly Kept[]
  readonly jobs: readonly JoggJob[]
  /** When the submits arrived upstream. */
  readonly submits: readonly number[]
  readonly submitsPerMinute: number
}

/** A promise, what it was broken by, and so how often. */
export interface Promised {
  readonly promise: string
  readonly broken: readonly string[]
}

const WINDOW_MS = 60_000

/** Holds the evidence against every promise of the gateway. */
export const judge = (evidence: Evidence): Promised[] => {
  const { heard, stories, steps, tasks, jobs, submits, submitsPerMinute } = evidence
  const byId = new Map(tasks.map(task => [task.id, task]))
  const stepsOf = groupBy(steps, step => step.taskId)
  const owners = groupBy(
    tasks.filter(task => task.upstreamId !== null),
    task => task.upstreamId!,
  )
  const wasSent = (task: Kept) => (stepsOf.get(task.id) ?? []).some(step => step.stage === 'submitting')
  const mayBePaid = (videoUrl: string) =>
    tasks.filter(task => task.videoUrl === videoUrl && task.stage !== 'canceled' && wasSent(task)).length

  const isLost = (id: string) => {
    const task = byId.get(id)
    return !task || NEXT[task.stage].length > 0
  }
  const paidTwice = [...groupBy(jobs, job => job.inputs.videoUrl)].filter(([url, own]) => own.length > mayBePaid(url))
  const results = tasks.filter(task => {
    const job = jobs.find(({ taskId }) => taskId === task.upstreamId)
    const right = job?.output?.resultUrl === task.resultUrl && job?.inputs.videoUrl === task.videoUrl
    return task.stage === 'success' && !right
  })

  return [
    {
      promise: 'no accepted task is lost: each exists and came to its end',
      broken: heard.flatMap(({ ids }) => [...ids].filter(isLost)),
    },
    {
      promise: 'one task for each idempotency key',
      broken: [
        ...heard.filter(({ ids }) => ids.size !== 1).map(({ order }) => order.key),
        ...[...groupBy(tasks, task => task.idempotencyKey)].filter(([, own]) => own.length > 1).map(([key]) => key),
      ],
    },
    {
      promise: 'at most one paid job for each task',
      broken: paidTwice.map(([url, own]) => `${url}: ${own.map(job => job.taskId).join(', ')}`),
    },
    {
      promise: 'each paid job belongs to a task',
      broken: jobs.filter(job => !owners.has(job.taskId)).map(job => `${job.inputs.videoUrl}: ${job.taskId}`),
    },
    {
      promise: 'no two tasks share a job, be their inputs equal',
      broken: [...owners].filter(([, own]) => own.length > 1).map(([job]) => job),
    },
    { promise: "each result is that of the task's own job", broken: results.map(task => task.id) },
    {
      promise: 'what was said to be canceled is, and was not paid',
      broken: heard
        .filter(({ canceled, ids }) => canceled && [...ids].some(id => byId.get(id)?.stage !== 'canceled'))
        .map(({ order }) => order.key),
    },
    {
      promise: 'no task ends badly but for what the upstream did',
      broken: tasks
        .filter(task => task.failureCode === 'SUBMIT_UNRESOLVED' || task.failureCode === 'EXPIRED')
        .map(task => task.id),
    },
    { promise: 'each step of the log is one that exists', broken: [...stepsOf].flatMap(([, own]) => strayed(own)) },
    {
      promise: 'every follower heard the log, none missing, none twice',
      broken: stories.flatMap(story => differs(story, story.id === null ? steps : (stepsOf.get(story.id) ?? []))),
    },
    {
      promise: `no more than ${submitsPerMinute} submits in any 60 s`,
      broken: fullestWindow(submits) > submitsPerMinute ? [`${fullestWindow(submits)} submits`] : [],
    },
    {
      promise: 'nobody is answered what makes no sense',
      broken: [...heard.flatMap(({ surprises }) => surprises), ...stories.flatMap(({ surprises }) => surprises)],
    },
  ]
}

/** How many arrived in the fullest 60 s. */
export const fullestWindow = (times: readonly number[]): number => {
  const sorted = [...times].sort((a, b) => a - b)
  return Math.max(0, ...sorted.map(from => sorted.filter(at => at >= from && at < from + WINDOW_MS).length))
}

/** Jobs of inputs that only one task has: for these the count per task is exact. */
export const exactlyCounted = (jobs: readonly JoggJob[]): number => jobs.filter(job => !isTwin(job.inputs)).length

const strayed = (own: readonly Step[]): string[] =>
  own.flatMap((step, index) => {
    const before = own[index - 1]
    const allowed: readonly Stage[] = before ? NEXT[before.stage] : ['queued']
    return allowed.includes(step.stage) ? [] : [`${step.taskId}: ${before?.stage} to ${step.stage}`]
  })

const differs = ({ id, cursors }: Story, log: readonly Step[]): string[] => {
  const told = new Set(cursors)
  const missing = log.filter(step => !told.has(step.seq)).length
  const twice = cursors.length - told.size
  const inOrder = cursors.every((cursor, index) => cursor === log[index]?.seq)
  if (inOrder && cursors.length === log.length) return []
  return [`${id ?? 'all'}: ${missing} missing, ${twice} twice, ${cursors.length} of ${log.length}`]
}

const groupBy = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}
