export interface DisposalStack extends AsyncDisposable {
  /** Takes over a part, to be disposed before all that were taken over earlier. Returns the part. */
  own<T extends AsyncDisposable>(part: T): T
  /** Runs `dispose` in the part's place. */
  defer(dispose: () => unknown): void
}

/**
 * Disposes parts in the reverse order of their creation; a disposal that fails does not prevent the others.
 * (`AsyncDisposableStack` is missing in Node 20 and 22.)
 */
export function createDisposalStack(): DisposalStack {
  const disposals: (() => unknown)[] = []
  let disposal: Promise<void> | undefined

  async function dispose(): Promise<void> {
    const errors: unknown[] = []
    for (let next = disposals.pop(); next; next = disposals.pop()) {
      try {
        await next()
      } catch (thrown) {
        errors.push(thrown)
      }
    }
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new AggregateError(errors, 'Several parts could not be disposed')
  }

  return {
    own(part) {
      disposals.push(() => part[Symbol.asyncDispose]())
      return part
    },
    defer: dispose => void disposals.push(dispose),
    [Symbol.asyncDispose]: () => (disposal ??= dispose()),
  }
}
