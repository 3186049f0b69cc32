const TICK_MS = 10

/**
 * Notices when this process was kept from running for longer than an accelerated time limit, as happens on a crowded
 * machine. A request that arrived meanwhile has waited for an unknown time and proves nothing about its sender.
 */
export function watchForStandstill(longestMs: number) {
  let tickedAt = performance.now()
  let stoodStillAt = Number.NEGATIVE_INFINITY
  const tick = () => {
    const now = performance.now()
    if (now - tickedAt > longestMs) stoodStillAt = now
    tickedAt = now
  }
  const timer = setInterval(tick, TICK_MS)
  return {
    /** Whether it stood still until a moment ago. */
    justNow() {
      tick()
      return performance.now() - stoodStillAt < longestMs
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
