import type { Chapter, FollowerRecord } from './follower.js'
import type { History } from './read-database.js'
import type { Evidence } from './verdict.js'

/**
 * What a follower missed. In each history that it knew it must have received the log from the beginning, without gaps or
 * duplicates: of the last history all of it, of one that a restore ended a first part.
 */
export function missedSteps(follower: FollowerRecord, { history, strikes }: Pick<Evidence, 'history' | 'strikes'>) {
  const { id, chapters, notFound } = follower
  const name = id ?? 'all'
  const lost = strikes.restores.map(restore => restore.lost)
  const isLast = (index: number) => index === chapters.length - 1
  if (notFound) return lost.some(({ tasks }) => tasks.some(task => task.id === id)) ? [] : [`${name}: not found`]
  return chapters.flatMap((chapter, index) => {
    if (isLast(index)) return differs(chapter, logOf(history, id), true) ? [describe(name, chapter, history, id)] : []
    const known = lost.filter(({ epoch }) => chapter.epoch === null || epoch === chapter.epoch)
    return known.some(old => !differs(chapter, logOf(old, id), false)) ? [] : [`${name}: a history that never was`]
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
