import type { Chapter, FollowerRecord } from './follower.js'
import type { History } from './read-database.js'
import type { Evidence } from './verdict.js'

/**
 * What a follower missed. In each history that it knew it must have received the log from the beginning, without gaps or
 * duplicates: of the last history all of it, of one that a restore ended a first part.
 */
export function missedSteps(follower: FollowerRecord, { history, strikes }: Pick<Evidence, 'history' | 'strikes'>) {
  const { id, chapters, ended, notFound } = follower
  const name = id ?? 'all'
  const lost = strikes.restores.map(restore => restore.lost)
  const isLast = (index: number) => index === chapters.length - 1
  /** A follower that saw the end of its task before a restore does not follow it again. */
  const endedBefore = ended && id !== null
  if (notFound) return lost.some(({ tasks }) => tasks.some(task => task.id === id)) ? [] : [`${name}: not found`]
  return chapters.flatMap((chapter, index) => {
    const old = lost.filter(({ epoch }) => chapter.epoch === null || epoch === chapter.epoch)
    if (isLast(index) && !(endedBefore && old.length > 0))
      return differs(chapter, logOf(history, id), true) ? [describe(name, chapter, history, id)] : []
    return old.some(of => !differs(chapter, logOf(of, id), isLast(index))) ? [] : [`${name}: a history that never was`]
  })
}

function logOf({ steps }: History, id: string | null): number[] {
  return steps.filter(({ taskId }) => id === null || taskId === id).map(({ seq }) => seq)
}

function differs({ cursors }: Chapter, log: readonly number[], complete: boolean): boolean {
  if (complete && cursors.length !== log.length) return true
  return cursors.some((cursor, index) => cursor !== log[index])
}

function describe(name: string, { epoch, cursors }: Chapter, history: History, id: string | null): string {
  const log = logOf(history, id)
  const received = new Set(cursors)
  const missing = log.filter(seq => !received.has(seq)).length
  const twice = cursors.length - received.size
  const other = epoch === history.epoch ? '' : `, of epoch ${epoch} instead of ${history.epoch}`
  return `${name}: ${missing} missing, ${twice} twice, ${cursors.length} of ${log.length}${other}`
}
