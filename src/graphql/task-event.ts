import type { LiveState } from '../tasks/driver/live-state.js'
import type { TaskEvent } from '../tasks/service/task-service.js'
import { isFinal, statusOf, type Task } from '../tasks/task.js'
import { builder } from './builder.js'
import type { GraphQLContext } from './context.js'
import { LipSyncStage, LipSyncStatus } from './enums.js'
import { LipSyncTask } from './task.js'

export const LipSyncTaskEvent = builder.objectRef<TaskEvent>('LipSyncTaskEvent').implement({
  description: `What happened to a task, as it was then. \`task\` is the task as it is now, so that a normalised cache never
goes back in time.`,
  fields: t => ({
    cursor: t.exposeString('cursor', {
      description: 'Its position in the log: pass it as `after` to resume from here, for example after a reconnect.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    stage: t.field({ type: LipSyncStage, description: 'The stage it led to.', resolve: ({ task }) => task.stage }),
    status: t.field({
      type: LipSyncStatus,
      description: 'The status it led to.',
      resolve: ({ task }) => statusOf(task),
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'What happened and why, for people; null when the stage needs no explanation.',
    }),
    progress: t.float({
      nullable: true,
      description: 'The progress of the task, while this is its latest event; null once there is a later one.',
      resolve: async (event, _, context) => (await liveStateAt(event, context))?.progress ?? null,
    }),
    queuePosition: t.int({
      nullable: true,
      description: 'The queue position of the task, while this is its latest event; null once there is a later one.',
      resolve: async (event, _, context) => (await liveStateAt(event, context))?.queuePosition ?? null,
    }),
    estimatedStartAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it will probably be submitted, while this is its latest event.',
      resolve: async (event, _, context) => (await liveStateAt(event, context))?.estimatedStartAt ?? null,
    }),
    task: t.field({ type: LipSyncTask, description: 'The task as it is now.', resolve: currentTask }),
  }),
})

const currentTasks = new WeakMap<TaskEvent, Promise<Task>>()

/** Loads the task of an event once, for all fields of the event. */
function currentTask(event: TaskEvent, _: unknown, { loadTask }: GraphQLContext): Promise<Task> {
  const load = async () => (isFinal(event.task) ? event.task : ((await loadTask(event.task.id)) ?? event.task))
  const current = currentTasks.get(event) ?? load()
  currentTasks.set(event, current)
  return current
}

async function liveStateAt(event: TaskEvent, context: GraphQLContext): Promise<LiveState | null> {
  const current = await currentTask(event, null, context)
  return current.seq === event.task.seq ? context.loadLiveState(current) : null
}
