import type { ChangeNotifier } from '../change-notifier.js'
import type { LogQuery, TaskLog, Transition } from '../task-store.js'

/** How many different reads are remembered between two transitions. */
const MAX_READS = 1_000

/**
 * Coalesces identical reads of the log: a thousand followers at the same cursor cost one query.
 *
 * A transition is written before the notifier counts it, and counted before any follower is woken. So a read of the
 * current version misses nothing that its reader was woken for.
 */
export function coalesceReads(
  log: Pick<TaskLog, 'transitionsAfter'>,
  notifier: Pick<ChangeNotifier, 'version'>,
): TaskLog['transitionsAfter'] {
  const reads = new Map<string, Promise<Transition[]>>()
  /** A follower reads with the same query object each time. */
  const textOf = new WeakMap<LogQuery, string>()
  let version = notifier.version()
  return (seq, query) => {
    if (version !== notifier.version() || reads.size >= MAX_READS) reads.clear()
    version = notifier.version()
    const text = textOf.get(query) ?? JSON.stringify(query)
    textOf.set(query, text)
    const key = `${seq} ${text}`
    const running = reads.get(key)
    if (running) return running
    const read = log.transitionsAfter(seq, query)
    reads.set(key, read)
    read.catch(() => reads.delete(key))
    return read
  }
}
