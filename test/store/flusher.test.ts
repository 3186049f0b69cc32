import { expect, test } from 'vitest'
import { createFlusher } from '../../src/store/sqlite/flusher.js'

function createDisk() {
  const flushes: { end: () => void; fail: (reason: Error) => void }[] = []
  const flusher = createFlusher(() => new Promise((end, fail) => void flushes.push({ end, fail })))
  const seen: string[] = []
  return {
    flushes,
    seen,
    write(name: string) {
      flusher.written()
      void flusher.flushed().then(
        () => seen.push(name),
        ({ message }: Error) => seen.push(`${name}: ${message}`),
      )
    },
    read: () => flusher.flushed(),
    settled: () => new Promise(setImmediate),
  }
}

test('a write is done when the flush that began after it has ended', async () => {
  const disk = createDisk()
  disk.write('a')
  await disk.settled()
  expect(disk.flushes).toHaveLength(1)
  // This write came after the flush began, which may therefore not cover it.
  disk.write('b')
  disk.write('c')
  disk.flushes[0]?.end()
  await disk.settled()
  expect(disk.seen).toEqual(['a'])
  expect(disk.flushes).toHaveLength(2)
  disk.flushes[1]?.end()
  await disk.settled()
  expect(disk.seen).toEqual(['a', 'b', 'c'])
})

test('writes of one turn of the event loop share a flush', async () => {
  const disk = createDisk()
  for (const name of ['a', 'b', 'c']) disk.write(name)
  await disk.settled()
  expect(disk.flushes).toHaveLength(1)
})

test('a reader waits for the flush of what it saw, and for nothing once all is flushed', async () => {
  const disk = createDisk()
  disk.write('a')
  let isRead = false
  void disk.read().then(() => {
    isRead = true
  })
  await disk.settled()
  expect(isRead).toBe(false)
  disk.flushes[0]?.end()
  await disk.settled()
  expect(isRead).toBe(true)
  await disk.read()
  expect(disk.flushes).toHaveLength(1)
})

test('rejects every write after a flush that failed', async () => {
  const disk = createDisk()
  disk.write('a')
  await disk.settled()
  disk.flushes[0]?.fail(new Error('EIO'))
  await disk.settled()
  disk.write('b')
  await disk.settled()
  expect(disk.seen).toEqual(['a: EIO', 'b: EIO'])
  expect(disk.flushes).toHaveLength(1)
})
