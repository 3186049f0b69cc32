/** Wraps an iterator and calls `onEnd` when it completes, throws or is returned, even before its first `next()`. */
export function onIteratorEnd<T>(iterator: AsyncIterableIterator<T>, onEnd: () => void): AsyncIterableIterator<T> {
  return {
    next: () =>
      iterator.next().then(
        step => {
          if (step.done) onEnd()
          return step
        },
        thrown => {
          onEnd()
          throw thrown
        },
      ),
    return(value) {
      onEnd()
      return iterator.return?.(value) ?? Promise.resolve({ done: true, value })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
