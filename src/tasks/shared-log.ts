import type { Hints } from './hints.js'
import type { TaskStore, Transition } from './ports.js'

/** Beyond so many different questions between two moves, remembering them is of no use. */
const MOST_PAGES = 1_000

/** The log as followers read it together: a thousand who wait at the same place wake up to one read. */
export const shareLog = (store: Pick<TaskStore, 'transitionsAfter'>, hints: Hints): TaskStore['transitionsAfter'] => {
  const pages = new Map<string, Promise<Transition[]>>()
  // A move is written before it is told: what was read before the write is forgotten before anybody wakes up.
  hints.on(null, () => pages.clear())
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
