/** How long work may go on before timers and sockets get their turn. */
const BUDGET_MS = 4

let turnBegan = performance.now()
let nextTurn: Promise<void> | null = null

/**
 * Gives the event loop a turn when the work of this turn has taken a few milliseconds. Call it between the steps of any
 * loop that can be long: a loop over promises that are already settled never leaves the microtask queue, and starves
 * timers, sockets and signals.
 *
 * All such loops share one budget, so that the turn stays short however many of them there are.
 */
export async function giveWay(): Promise<void> {
  if (performance.now() - turnBegan < BUDGET_MS) return
  nextTurn ??= new Promise(resolve => {
    setImmediate(() => {
      nextTurn = null
      turnBegan = performance.now()
      resolve()
    })
  })
  await nextTurn
}
