import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import { type Poller, startPoller } from '../../poller.js'
import type { ChangeNotifier, TransitionListener } from '../change-notifier.js'
import type { Stage } from '../task.js'
import type { TaskStore } from '../task-store.js'
import type { Transitions } from '../transitions.js'
import { createGatewayStatus, type GatewayStatus } from './gateway-status.js'
import { createInputPreparer, type UploadedFiles } from './input-preparer.js'
import { createLiveStates, type LiveStates } from './live-state.js'
import type { PollIntervals, Random } from './poll-schedule.js'
import { createQueuePositionUpdates } from './queue-position-updates.js'
import { createStatusPoller, type StatusPoller } from './status-poller.js'
import { createSubmitter, type Submitter } from './submitter.js'
import type { Upstream } from './upstream.js'

/** What drives tasks upstream: the submitter, the status poller, and what they know of tasks. */
export interface Driver extends AsyncDisposable {
  readonly submitter: Submitter
  readonly statusPoller: StatusPoller
  readonly liveStates: LiveStates
  readonly status: () => Promise<GatewayStatus>
  /** By name; empty until the start. */
  readonly pollers: ReadonlyMap<string, Poller>
  /** Starts to submit and to check. */
  start(): Promise<void>
  /** Aborts the upstream calls that are under way. */
  cut(): void
  /** Resolves when no poller has anything to do before the clock moves on. */
  settled(): Promise<void>
}

export interface DriverParts {
  store: TaskStore
  upstream: Upstream
  transitions: Transitions
  notifier: ChangeNotifier
  clock: Clock
  log: Logger
  random: Random
  /** The time limit of an upstream call. */
  timeoutMs: number
  intervals: PollIntervals
  stallAfterMs: number
  /** How many submits may leave in any 60 s. Null: no limit; absent: the upstream's own. */
  submitsPerMinute?: number | null | undefined
  /** How long a task may be queued. */
  maxQueueMs: number
  /** Absent: no task has uploaded files. */
  uploadedFiles?: UploadedFiles
}

export function createDriver(parts: DriverParts): Driver {
  const { store, upstream, notifier, clock, log, intervals } = parts
  const cut = new AbortController()
  const copies = new AbortController()
  // Each call under way adds a listener; their number is no leak.
  setMaxListeners(0, cut.signal)
  const pollers: { submitter?: Poller; statusPoller?: Poller; positions?: Poller } = {}
  const { submitsPerMinute = upstream.submitsPerMinute } = parts
  const firstCheckMs = intervals.firstMs
  const { uploadedFiles, transitions } = parts
  const preparer =
    uploadedFiles &&
    createInputPreparer({
      ...{ store, upstream, clock, log, uploadedFiles, cut: copies.signal },
      onEnd: () => pollers.submitter?.nudge(),
      onRefused: error => submitter.refused(error),
      async onRejected(task, reason) {
        const failure = { code: 'UPSTREAM_REJECTED', message: reason } as const
        await transitions.move(task, 'failed', { completedAt: clock.now(), failure }, { reason })
      },
    })
  const submitter: Submitter = createSubmitter({
    ...{ ...parts, submitsPerMinute, firstCheckMs, cut: cut.signal },
    ...(preparer && { preparer }),
  })
  const statusPoller = createStatusPoller({
    ...parts,
    submitter,
    onSubmitsResumed: () => pollers.submitter?.nudge(),
    cut: cut.signal,
  })
  const positions = createQueuePositionUpdates({ notifier, clock })
  const running = new Map<string, Poller>()

  upstream.onChange?.((taskId, what) => {
    if (what === 'progress') return notifier.refreshed(taskId)
    statusPoller.checkSoon(taskId)
    pollers.statusPoller?.nudge()
    // The end of a job may have made room for another.
    pollers.submitter?.nudge()
  })

  /** Wakes the pollers that a transition concerns. Each of them sleeps until its next moment otherwise. */
  const onTransition: TransitionListener = ({ stage }, from, isRemote) => {
    if (stage === 'queued' || isSettled(from, stage)) pollers.submitter?.nudge()
    // The gateway that submitted a task also makes its first check, unless it is lost; the status poller looks for that.
    if (!isRemote && isChecked(stage)) pollers.statusPoller?.nudge()
    // A new task is behind the others.
    if (from === 'queued' || (from !== null && stage === 'queued')) {
      positions.moved()
      pollers.positions?.nudge()
    }
  }

  const start = (name: string, round: (stopping: AbortSignal) => Promise<number | null>) => {
    const poller = startPoller({ clock, round, onError: err => log.error({ err }, 'round failed') })
    running.set(name, poller)
    return poller
  }

  return {
    submitter,
    statusPoller,
    liveStates: createLiveStates({ ...parts, submitter }),
    status: createGatewayStatus({ store, upstream, submitter, statusPoller, clock }),
    pollers: running,

    async start() {
      await statusPoller.recover()
      notifier.onTransition('all', onTransition)
      pollers.submitter = start('submitter', submitter.round)
      pollers.statusPoller = start('statusPoller', statusPoller.round)
      pollers.positions = start('queuePositionUpdates', positions.round)
      log.info({ upstream: upstream.name }, 'gateway started')
    },

    cut: () => cut.abort(),

    async settled() {
      // A poller that fell asleep first may have been nudged by another since.
      const all = [...running.values()]
      const isBusy = () => preparer?.isIdle() === false || !all.every(poller => poller.isAsleep())
      while (isBusy()) await Promise.all([preparer?.idle(), ...all.map(poller => poller.asleep())])
    },

    async [Symbol.asyncDispose]() {
      // A copy is made again after the restart.
      copies.abort()
      await Promise.all([...running.values()].map(poller => poller[Symbol.asyncDispose]()))
      await preparer?.idle()
    },
  }
}

/** Whether a submit got its answer after all: tasks with the same inputs waited for it. */
function isSettled(from: Stage | null, to: Stage): boolean {
  return from === 'unknown' || (from === 'submitting' && to !== 'unknown')
}

/** Whether the upstream has the task, so that a check of it was just scheduled. */
function isChecked(stage: Stage): boolean {
  return stage === 'unknown' || stage === 'submitted' || stage === 'processing'
}
