import type { TaskEvent } from '../tasks/service/task-service.js'
import { type ResultView, resultView, type TaskView } from '../tasks/service/task-view.js'
import { type Failure, statusOf, type Task } from '../tasks/task.js'
import { builder } from './builder.js'
import { LipSyncAnimation, LipSyncFailureCode, LipSyncPlaybackType, LipSyncStage, LipSyncStatus } from './enums.js'
import { Node } from './node.js'

/** Makes a field that the view has and the type has not an error. */
type FieldFor<View> = Record<keyof View, unknown>

const LipSyncResult = builder.objectRef<ResultView>('LipSyncResult').implement({
  description: 'The result of a task.',
  fields: t =>
    ({
      resultUrl: t.expose('resultUrl', { type: 'URL', description: 'The video, an MP4.' }),
      coverUrl: t.expose('coverUrl', { type: 'URL', nullable: true, description: 'A still picture of it, a JPEG.' }),
      durationSeconds: t.exposeFloat('durationSeconds', {
        nullable: true,
        description: 'The length of the video; null where the upstream does not report it.',
      }),
      credits: t.exposeFloat('credits', { description: 'What it cost.' }),
      animation: t.expose('animation', {
        type: LipSyncAnimation,
        nullable: true,
        description: 'Whether the mouth was animated; null where the upstream (JoggAI) does not report it.',
      }),
      animatedShare: t.exposeFloat('animatedShare', {
        nullable: true,
        description:
          'The share of the frames whose mouth was moved, 0 to 1; null where the upstream does not report it.',
      }),
    }) satisfies FieldFor<ResultView>,
})

const LipSyncFailure = builder.objectRef<Failure>('LipSyncFailure').implement({
  description: 'Why a task has no result.',
  fields: t => ({
    code: t.expose('code', { type: LipSyncFailureCode, description: 'The reason, for programs.' }),
    message: t.exposeString('message', { description: 'The reason, for people.' }),
  }),
})

const LipSyncTransition = builder.objectRef<TaskEvent>('LipSyncTransition').implement({
  description: 'A step in the life of a task. Each `SUBMITTING` is one call that may have been paid for.',
  fields: t => ({
    cursor: t.exposeString('cursor', { description: 'Its position in the log.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    stage: t.field({ type: LipSyncStage, description: 'The stage it led to.', resolve: ({ task }) => task.stage }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'What happened and why, for people; null where the stage says it all.',
    }),
  }),
})

const LONGEST_HISTORY = 100
/** Most tasks have fewer steps than a page: what one costs is counted as a tenth of what it may hold. */
const STEPS_PER_POINT = 10

const id = 'The id. A later task has a greater one.'
const cursor = 'The position of this state in the log: follow from here with `after`.'

/** With every field that a task has in some stage: the compiler reads fields without a resolver by themselves. */
type AnyTask = Task & {
  readonly submittedAt?: number
  readonly startedAt?: number
  readonly completedAt?: number
  readonly failure?: Failure
}

export const LipSyncTaskRef = builder.objectRef<AnyTask>('LipSyncTask')

export const LipSyncTask = LipSyncTaskRef.implement({
  description: 'A lip sync, from its acceptance to its end.',
  interfaces: [Node],
  isTypeOf: value => 'stage' in (value as object),
  fields: t =>
    ({
      id: t.exposeID('id', { description: id }),
      status: t.field({
        type: LipSyncStatus,
        description: 'Its state in short.',
        resolve: statusOf,
      }),
      stage: t.expose('stage', { type: LipSyncStage, description: 'Its state, step by step.' }),
      caller: t.exposeString('caller', { description: 'The caller that created it.' }),
      videoUrl: t.expose('videoUrl', { type: 'URL', description: 'The talking-head video it is made from.' }),
      audioUrl: t.expose('audioUrl', { type: 'URL', description: 'The audio that the mouth follows.' }),
      playbackType: t.expose('playbackType', { type: LipSyncPlaybackType, description: 'How the video is extended.' }),
      reference: t.exposeString('reference', { nullable: true, description: "The caller's own name for it." }),
      platform: t.exposeString('platform', {
        nullable: true,
        description: 'The program that created it, as it named itself over REST (`x-api-platform`).',
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the gateway accepted it.' }),
      submittedAt: t.expose('submittedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When the upstream accepted it.',
      }),
      startedAt: t.expose('startedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When the gateway first saw the upstream work on it.',
      }),
      completedAt: t.expose('completedAt', {
        type: 'DateTime',
        nullable: true,
        description: "When it ended, by the upstream's clock where the upstream reports it.",
      }),
      result: t.field({
        type: LipSyncResult,
        nullable: true,
        description: 'The result; null until `SUCCESS`.',
        resolve: task => (task.stage === 'success' ? resultView(task.result, task.costCents) : null),
      }),
      failure: t.expose('failure', {
        type: LipSyncFailure,
        nullable: true,
        description: 'Why there is no result; null unless `FAILED` or `CANCELED`.',
      }),
      queuePosition: t.int({
        nullable: true,
        description: 'Its position in the submit queue, 1 for the next; null when it is not queued.',
        resolve: async (task, _, { loadLiveState }) => (await loadLiveState(task))?.queuePosition ?? null,
      }),
      estimatedStartAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When it will probably be submitted; null when it is not queued, or no estimate is possible.',
        resolve: async (task, _, { loadLiveState }) => (await loadLiveState(task))?.estimatedStartAt ?? null,
      }),
      progress: t.float({
        nullable: true,
        description:
          'The share of the work that is done, 0 to 1, while the upstream has it; null before and after, and where the upstream (JoggAI) does not report it.',
        resolve: async (task, _, { loadLiveState }) => (await loadLiveState(task))?.progress ?? null,
      }),
      stalledSince: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When it became overdue; null while it is on time. A late result is still delivered.',
        resolve: async (task, _, { loadLiveState }) => (await loadLiveState(task))?.stalledSince ?? null,
      }),
      problem: t.string({
        nullable: true,
        description:
          "Why the gateway cannot read the upstream's latest responses about it, for people; null while it can. `resolveLipSync` can give the task up.",
        resolve: async (task, _, { loadLiveState }) => (await loadLiveState(task))?.problem ?? null,
      }),
      retryOf: t.field({
        type: LipSyncTaskRef,
        nullable: true,
        description:
          'The task that this one repeats. Null when it repeats none, or when that task is not visible to the caller.',
        resolve: ({ retryOf }, _, { loadTask }) => (retryOf === null ? null : loadTask(retryOf)),
      }),
      history: t.field({
        complexity: ({ first }) => ({ field: 10, multiplier: Math.max(1, Math.ceil(first / STEPS_PER_POINT)) }),
        type: [LipSyncTransition],
        description:
          'Its transitions, oldest first, a page at a time. A page of `first` transitions may be followed by another.',
        args: {
          first: t.arg.int({
            required: true,
            defaultValue: LONGEST_HISTORY,
            description: `How many transitions: 1 to ${LONGEST_HISTORY}.`,
          }),
          after: t.arg.string({ description: 'The cursor of the last transition of the previous page.' }),
        },
        resolve: (task, { first, after }, { tasks }) =>
          tasks.history(task.id, { after: after ?? undefined, limit: first }),
      }),
      cursor: t.string({ description: cursor, resolve: (task, _, { tasks }) => tasks.cursorOf(task) }),
    }) satisfies FieldFor<TaskView> & Record<string, unknown>,
})
