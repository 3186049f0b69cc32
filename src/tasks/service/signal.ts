export interface Signal<Kind> {
  raise(kind: Kind): void
  /** Ends the current and every later wait. */
  close(): void
  isClosed(): boolean
  /** Waits until something was raised since the last wait. Returns what was raised; null once the signal is closed. */
  wait(): Promise<ReadonlySet<Kind> | null>
}

/** A wake-up call for one waiter. What is raised while nobody waits is kept, once each. */
export function createSignal<Kind>(): Signal<Kind> {
  let raised = new Set<Kind>()
  let closed = false
  let wake = () => {}

  function take(): ReadonlySet<Kind> | null {
    const kinds = raised
    raised = new Set()
    return closed ? null : kinds
  }
  return {
    raise(kind) {
      raised.add(kind)
      wake()
    },
    close() {
      closed = true
      wake()
    },
    isClosed: () => closed,
    wait() {
      if (raised.size > 0 || closed) return Promise.resolve(take())
      return new Promise<void>(resolve => (wake = resolve)).then(take)
    },
  }
}
