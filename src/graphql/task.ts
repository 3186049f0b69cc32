import { creditsFor } from '../tasks/pricing.js'
import { toCursor } from '../tasks/service/create-input.js'
import {
  ANIMATIONS,
  FAILURE_CODES,
  type Failure,
  PLAYBACK_TYPES,
  type Result,
  STAGE_MEANINGS,
  STATUSES,
  statusOf,
  type Task,
} from '../tasks/task.js'
import type { Transition } from '../tasks/task-store.js'
import { builder } from './builder.js'

export const PlaybackType = builder.enumType('PlaybackType', {
  description: 'How a video that is shorter than the audio is extended.',
  values: {
    NORMAL: { value: PLAYBACK_TYPES[0], description: 'Play the video once; its last frame stays to the end.' },
    NORMAL_REVERSE: { value: PLAYBACK_TYPES[1], description: 'Play it forward and backward in turns.' },
    NORMAL_REVERSE_BY_AUDIO: {
      value: PLAYBACK_TYPES[2],
      description: 'Play it forward and backward in turns that end together with the audio.',
    },
  },
})

const STATUS_MEANINGS = {
  PENDING: 'Accepted, and not yet being made.',
  PROCESSING: 'Being made.',
  SUCCESS: 'Made: `result` is there. Final.',
  FAILED: 'Not made: `error` says why. Final.',
  CANCELED: 'Canceled before it was submitted: `error` says why. Final.',
} as const satisfies Record<(typeof STATUSES)[number], string>

export const LipSyncStatus = builder.enumType('LipSyncStatus', {
  description: 'How a task stands, in four words as JoggAI names them.',
  values: Object.fromEntries(STATUSES.map(status => [status, { description: STATUS_MEANINGS[status] }])) as {
    [S in (typeof STATUSES)[number]]: { description: string }
  },
})

const LipSyncStage = builder.enumType('LipSyncStage', {
  description: 'Where a task is in its life, step by step.',
  values: Object.fromEntries(
    Object.entries(STAGE_MEANINGS).map(([stage, description]) => [stage.toUpperCase(), { value: stage, description }]),
  ) as { [S in Uppercase<Task['stage']>]: { value: Lowercase<S> & Task['stage']; description: string } },
})

const LipSyncErrorCode = builder.enumType('LipSyncErrorCode', {
  description: 'Why a task failed.',
  values: Object.fromEntries(Object.entries(FAILURE_CODES).map(([code, description]) => [code, { description }])) as {
    [C in keyof typeof FAILURE_CODES]: { description: string }
  },
})

const LipSyncAnimation = builder.enumType('LipSyncAnimation', {
  description: "What became of the speaker's mouth.",
  values: Object.fromEntries(Object.entries(ANIMATIONS).map(([name, description]) => [name, { description }])) as {
    [A in keyof typeof ANIMATIONS]: { description: string }
  },
})

const LipSyncResult = builder.objectRef<Result>('LipSyncResult').implement({
  description: 'What a lip sync came to.',
  fields: t => ({
    resultUrl: t.expose('resultUrl', { type: 'URL', description: 'The video, an MP4.' }),
    coverUrl: t.expose('coverUrl', { type: 'URL', nullable: true, description: 'A still picture of it, a JPEG.' }),
    durationSeconds: t.float({
      description: 'How long it plays.',
      nullable: true,
      resolve: result => (result.durationMs === null ? null : result.durationMs / 1_000),
    }),
    credits: t.float({
      description: "What it costs in JoggAI's credits: 0.008 per second, rounded up to 2 decimals.",
      nullable: true,
      resolve: result => (result.durationMs === null ? null : creditsFor(result.durationMs)),
    }),
    animation: t.expose('animation', {
      type: LipSyncAnimation,
      nullable: true,
      description: 'What became of the mouth; null where the upstream does not tell, as JoggAI.',
    }),
    animatedShare: t.exposeFloat('animatedShare', {
      nullable: true,
      description: 'The share of the frames whose mouth was moved, 0 to 1; null where the upstream does not tell.',
    }),
  }),
})

const LipSyncError = builder.objectRef<Failure>('LipSyncError').implement({
  description: 'Why there is no result.',
  fields: t => ({
    code: t.expose('code', { type: LipSyncErrorCode, description: 'For programs.' }),
    message: t.exposeString('message', { description: 'For people.' }),
  }),
})

const LipSyncTransition = builder.objectRef<Transition>('LipSyncTransition').implement({
  description: 'A step in the life of a task. Each `SUBMITTING` is one call that may have been paid.',
  fields: t => ({
    at: t.field({ type: 'DateTime', description: 'When it happened.', resolve: step => new Date(step.at) }),
    stage: t.field({ type: LipSyncStage, description: 'Where it led to.', resolve: step => step.task.stage }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'What happened and why, for people; null where the stage says it all.',
    }),
    cursor: t.string({ description: 'Where it stands in the log.', resolve: step => toCursor(step.task.seq) }),
  }),
})

const time = (at: number | null | undefined): Date | null => (at == null ? null : new Date(at))

/** What is not in the row has to be found out. */
const LIVE_STATE_COST = 5

export const LipSyncTask = builder.objectRef<Task>('LipSyncTask').implement({
  description: 'A lip sync, from its acceptance to its end.',
  fields: t => ({
    id: t.exposeID('id', { description: 'Its name for good. A later task has a greater id.' }),
    status: t.field({ type: LipSyncStatus, description: 'How it stands, in short.', resolve: statusOf }),
    stage: t.expose('stage', { type: LipSyncStage, description: 'How it stands, step by step.' }),
    videoUrl: t.expose('videoUrl', { type: 'URL', description: 'The talking-head video it is made from.' }),
    audioUrl: t.expose('audioUrl', { type: 'URL', description: 'The audio that the mouth follows.' }),
    playbackType: t.expose('playbackType', { type: PlaybackType, description: 'How the video is extended.' }),
    reference: t.exposeString('reference', { nullable: true, description: "The caller's own name for it." }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When the gateway accepted it.',
      resolve: task => new Date(task.createdAt),
    }),
    submittedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the upstream accepted it.',
      resolve: task => time('submittedAt' in task ? task.submittedAt : undefined),
    }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the upstream was first seen at work on it.',
      resolve: task => time('startedAt' in task ? task.startedAt : undefined),
    }),
    completedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: "When it ended, by the upstream's clock where the upstream says it.",
      resolve: task => time('completedAt' in task ? task.completedAt : undefined),
    }),
    result: t.field({
      type: LipSyncResult,
      nullable: true,
      description: 'What was made; null until `SUCCESS`.',
      resolve: task => (task.stage === 'success' ? task.result : null),
    }),
    error: t.field({
      type: LipSyncError,
      nullable: true,
      description: 'Why nothing was made; null unless `FAILED`.',
      resolve: task => ('failure' in task ? task.failure : null),
    }),
    queuePosition: t.int({
      complexity: LIVE_STATE_COST,
      nullable: true,
      description: 'Its place in the queue, 1 for the next to be sent; null when it is not queued.',
      resolve: async (task, _, { tasks }) => (await tasks.liveState(task)).queuePosition,
    }),
    estimatedStartAt: t.field({
      complexity: LIVE_STATE_COST,
      type: 'DateTime',
      nullable: true,
      description: 'When it will be sent upstream, as far as can be told; null when it is not queued, or nobody knows.',
      resolve: async (task, _, { tasks }) => time((await tasks.liveState(task)).estimatedStartAt),
    }),
    progress: t.float({
      complexity: LIVE_STATE_COST,
      nullable: true,
      description: `How much of it is made, 0 to 1, from when the upstream has it until it ends. Null before, after, and where
the upstream does not tell, as JoggAI. It is pushed to who follows this task, at most once a second, without a step in
the log: the same \`cursor\` comes again.`,
      resolve: async (task, _, { tasks }) => (await tasks.liveState(task)).progress,
    }),
    stalledSince: t.field({
      complexity: LIVE_STATE_COST,
      type: 'DateTime',
      nullable: true,
      description: 'Since when the upstream has had it for too long. A late result is still delivered.',
      resolve: async (task, _, { tasks }) => time((await tasks.liveState(task)).stalledSince),
    }),
    retryOf: t.exposeID('retryOf', { nullable: true, description: 'The failed task that this one makes again.' }),
    history: t.field({
      complexity: { field: 10, multiplier: 10 },
      type: [LipSyncTransition],
      description: 'What happened to it and why, from its acceptance on.',
      resolve: (task, _, { tasks }) => tasks.history(task.id),
    }),
    cursor: t.string({
      description: 'Where this state stands in the log: give it back as `after` of `taskUpdated` to go on from here.',
      resolve: task => toCursor(task.seq),
    }),
  }),
})
