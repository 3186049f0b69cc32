import type { ChangeNotifier } from '../change-notifier.js'
import type { TaskStore, Transition } from '../task-store.js'

/** Beyond so many different questions between two moves, remembering them is of no use. */
const MOST_PAGES = 1_000

/** The log as followers read it together: a thousand who wait at the same place wake up to one read. */
export const coalesceReads = (
  store: Pick<TaskStore, 'transitionsAfter'>,
  notifier: ChangeNotifier,
): TaskStore['transitionsAfter'] => {
  const pages = new Map<string, Promise<Transition[]>>()
  // A move is written before it is told: what was read before the write is forgotten before anybody wakes up.
  notifier.onTransition('all', () => pages.clear())
  return (seq, query) => {
    const question = JSON.stringify([seq, query])
    const known = pages.get(question)
    if (known) return known
    const page = store.transitionsAfter(seq, query)
    if (pages.size >= MOST_PAGES) pages.clear()
    pages.set(question, page)
    page.catch(() => pages.delete(question))
    return page
  }
}
