/** How long work may go on before timers and sockets get their turn. */
const BUDGET_MS = 4

let turnBegan = performance.now()
let nextTurn: Promise<void> | null = null

/**
 * Gives the event loop a turn when the work of this turn has taken a few milliseconds, and returns null otherwise. Await it
 * between the steps of any
 * loop that can be long: a loop over promises that are already settled never leaves the microtask queue, and starves
 * timers, sockets and signals.
 *
 * All such loops share one budget, so that the turn stays short however many of them there are.
 */
export function giveWay(): Promise<void> | null {
  if (performance.now() - turnBegan < BUDGET_MS) return null
  nextTurn ??= new Promise(resolve => {
    setImmediate(() => {
      nextTurn = null
      turnBegan = performance.now()
      resolve()
    })
  })
  return nextTurn
}
