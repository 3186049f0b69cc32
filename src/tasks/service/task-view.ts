import {
  type Animation,
  type Failure,
  type InputHashes,
  type Result,
  type Stage,
  type Status,
  statusOf,
  type Task,
} from '../task.js'
import type { Choices } from './choices.js'

/** A task as protocols show it: with a status, times as ISO 8601 texts, lengths in seconds and prices in credits. */
export interface TaskView extends Omit<Choices, keyof InputHashes> {
  readonly id: string
  readonly status: Status
  readonly stage: Stage
  readonly caller: string
  readonly retryOf: string | null
  readonly platform: string | null
  readonly createdAt: string
  readonly submittedAt: string | null
  readonly startedAt: string | null
  readonly completedAt: string | null
  readonly result: ResultView | null
  readonly failure: Failure | null
}

export interface ResultView {
  readonly resultUrl: string
  readonly coverUrl: string | null
  readonly durationSeconds: number | null
  readonly credits: number
  readonly animation: Animation | null
  readonly animatedShare: number | null
}

/** Renders a task as the task service returns it, which has public links. */
export function taskView(task: Task): TaskView {
  const { id, stage, caller, videoUrl, audioUrl, playbackType, reference, retryOf, platform } = task
  return {
    id,
    status: statusOf(task),
    stage,
    caller,
    videoUrl,
    audioUrl,
    playbackType,
    reference,
    retryOf,
    platform,
    createdAt: isoTime(task.createdAt),
    submittedAt: 'submittedAt' in task ? isoTime(task.submittedAt) : null,
    startedAt: 'startedAt' in task ? isoTime(task.startedAt) : null,
    completedAt: 'completedAt' in task ? isoTime(task.completedAt) : null,
    result: task.stage === 'success' ? resultView(task.result, task.costCents) : null,
    failure: 'failure' in task ? task.failure : null,
  }
}

function isoTime(at: number): string
function isoTime(at: number | undefined): string | null
function isoTime(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString()
}

/** Hundredths of a credit, in which budgets are counted, as credits. */
export function toCredits(cents: number): number {
  return cents / 100
}

export function resultView({ durationMs, ...result }: Result, costCents: number): ResultView {
  return { ...result, durationSeconds: durationMs === null ? null : durationMs / 1_000, credits: toCredits(costCents) }
}
