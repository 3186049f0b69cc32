import type { Clock } from '../../clock.js'
import { isFinal, type Task, type TaskIn } from '../task.js'
import type { PollQueue, SubmitQueue, TaskReader } from '../task-store.js'
import { queuePosition } from './round-robin.js'
import { type Sent, stalledSince, stallsAt } from './stall.js'
import type { Submitter } from './submitter.js'
import type { Upstream } from './upstream.js'

/** The values of a task that are not in the log, because they change with time and with other tasks. */
export interface LiveState {
  /** 1 for the task that is submitted next; null when the task is not queued. */
  readonly queuePosition: number | null
  /** When it will be submitted, in milliseconds since the Unix epoch; null when that cannot be estimated. */
  readonly estimatedStartAt: number | null
  /** The share that is done, 0 to 1; null when it is not being made, or when the upstream does not report it. */
  readonly progress: number | null
  /** Since when the upstream has had it for too long, in milliseconds since the Unix epoch; null while it has not. */
  readonly stalledSince: number | null
  /** Why the latest answers of the upstream could not be used; null while they can be. */
  readonly problem: string | null
}

export const NO_LIVE_STATE: LiveState = {
  queuePosition: null,
  estimatedStartAt: null,
  progress: null,
  stalledSince: null,
  problem: null,
}

export interface LiveStateParts {
  store: TaskReader & SubmitQueue & PollQueue
  upstream: Pick<Upstream, 'progress'>
  submitter: Pick<Submitter, 'forecast'>
  clock: Clock
  stallAfterMs: number
}

/**
 * Returns the live state of tasks by id, with a handful of queries for all of them. A state of the past, replayed from
 * the log, has none any more.
 */
export type LiveStates = (tasks: readonly Task[]) => Promise<ReadonlyMap<string, LiveState>>

export function createLiveStates({ store, upstream, submitter, clock, stallAfterMs }: LiveStateParts): LiveStates {
  return async tasks => {
    const states = new Map(tasks.map(task => [task.id, NO_LIVE_STATE]))
    const unfinished = tasks.filter(task => !isFinal(task))
    if (unfinished.length === 0) return states
    const current = await store.getMany(unfinished.map(task => task.id))
    const queued: TaskIn<'queued'>[] = []
    const sent: Sent[] = []
    for (const task of unfinished) {
      if (current.get(task.id)?.seq !== task.seq) continue
      switch (task.stage) {
        case 'queued':
          queued.push(task)
          continue
        case 'unknown':
        case 'submitted':
        case 'processing':
          sent.push(task)
          continue
        case 'submitting':
          continue
      }
      task satisfies never
    }
    if (queued.length > 0) for (const [id, state] of await queuedStates(queued)) states.set(id, state)
    if (sent.length > 0) for (const [id, state] of await sentStates(sent)) states.set(id, state)
    return states
  }

  async function queuedStates(queued: readonly TaskIn<'queued'>[]): Promise<[string, LiveState][]> {
    const [queues, before, startOf] = [
      await store.callerQueues(),
      await store.queuedBefore(queued),
      await submitter.forecast(),
    ]
    const firsts = new Map(queues.map(queue => [queue.caller, queue.first]))
    return queued.map(task => {
      const position = queuePosition(queues, task.caller, before.get(task.id) ?? 0)
      const first = firsts.get(task.caller) ?? null
      // A task that waits for an unsettled submit with its inputs is passed over until then.
      const isHeld = first === null || task.id < first
      const estimatedStartAt = isHeld ? null : startOf(position)
      return [task.id, { ...NO_LIVE_STATE, queuePosition: position + 1, estimatedStartAt }]
    })
  }

  async function sentStates(sent: readonly Sent[]): Promise<[string, LiveState][]> {
    const polls = await store.pollStates(sent.map(task => task.id))
    const now = clock.monotonic()
    return sent.map(task => {
      const progress = task.stage === 'unknown' ? null : (upstream.progress?.(task.upstreamId) ?? null)
      const since = now >= stallsAt(task, stallAfterMs) ? stalledSince(task, stallAfterMs) : null
      const problem = polls.get(task.id)?.problem ?? null
      return [task.id, { ...NO_LIVE_STATE, progress, stalledSince: since, problem }]
    })
  }
}

/**
 * Whether a person may give a task up: its submit lost its answer, the upstream has had it for too long, or its answers
 * cannot be used.
 *
 * The task is final then: its reservation is freed and it is not checked again. If the upstream finishes the job after
 * all, it charges for a video that is not delivered, and the cost is not in the caller's usage. Therefore only a person
 * decides this, and only while the checks bring no usable answer. The task keeps its `upstreamId`, by which the job can
 * be found at the upstream.
 */
export function mayBeGivenUp(task: Task, { stalledSince, problem }: LiveState): boolean {
  switch (task.stage) {
    case 'unknown':
      return true
    case 'submitted':
    case 'processing':
      return stalledSince !== null || problem !== null
    case 'queued':
    case 'submitting':
    case 'success':
    case 'failed':
    case 'canceled':
      return false
  }
  task satisfies never
}
