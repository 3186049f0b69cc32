/** The same iterator, that tells once when it has ended or was left, even before it began. */
export const onIteratorEnd = <T>(iterator: AsyncIterableIterator<T>, leave: () => void): AsyncIterableIterator<T> => ({
  next: () =>
    iterator.next().then(
      step => {
        if (step.done) leave()
        return step
      },
      thrown => {
        leave()
        throw thrown
      },
    ),
  return: value => {
    leave()
    return iterator.return!(value)
  },
  [Symbol.asyncIterator]() {
    return this
  },
})
