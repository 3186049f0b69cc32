import type { Task } from '../task.js'
import type { TaskLog, Transition } from '../task-store.js'
import { toCursor } from './cursor.js'
import type { TaskEvent } from './task-service.js'

/** Renders tasks and transitions of the store as callers get them: with public links and cursors. */
export interface TaskPresenter {
  show(task: Task): Task
  toEvent(transition: Transition): TaskEvent
}

/** `publicLink` returns the public form of a link: absolute, for files that the gateway itself serves. */
export function createTaskPresenter(log: Pick<TaskLog, 'epoch'>, publicLink: (url: string) => string): TaskPresenter {
  function show(task: Task): Task {
    if (task.stage !== 'success') return task
    const { resultUrl, coverUrl } = task.result
    const links = { resultUrl: publicLink(resultUrl), coverUrl: coverUrl && publicLink(coverUrl) }
    return { ...task, result: { ...task.result, ...links } }
  }

  return {
    show,
    toEvent: ({ task, at, reason }) => ({ cursor: toCursor(log.epoch, task.seq), at, reason, task: show(task) }),
  }
}
