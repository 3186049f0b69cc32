import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createJobQueue, type Slot } from '../../../src/upstream/engine/job-queue.js'

/** A queue whose jobs run until the test ends them. */
function startQueue(concurrency: number) {
  const slots = new Map<string, Slot>()
  const ends = new Map<string, () => void>()
  const changes: string[] = []
  const queue = createJobQueue<string>({
    concurrency,
    run: (id, slot, stopping) =>
      new Promise<void>(resolve => {
        slots.set(id, slot)
        ends.set(id, resolve)
        stopping.addEventListener('abort', () => resolve())
      }),
    onChange: id => changes.push(id),
  })
  const slotOf = (id: string) => slots.get(id)!
  return {
    ...{ queue, changes, slotOf },
    add: (id: string) => queue.add(id, id),
    running: () => [...slots.keys()].filter(id => queue.get(id)),
    async end(id: string) {
      ends.get(id)?.()
      await setImmediate()
    },
  }
}

test('jobs run in the order of their arrival, up to the limit', async () => {
  const { queue, add, running, end } = startQueue(2)
  for (const id of ['a', 'b', 'c']) add(id)
  expect(running()).toEqual(['a', 'b'])
  expect(queue.get('c')).toEqual({ entry: 'c', status: 'pending' })
  expect(queue.hasCapacity()).toBe(false)
  await end('a')
  expect(running()).toEqual(['b', 'c'])
  await end('b')
  expect(queue.hasCapacity()).toBe(true)
})

test('a job without its slot lets another run, and gets the next free slot back first', async () => {
  const { queue, add, running, slotOf, end, changes } = startQueue(1)
  add('slow')
  slotOf('slow').release()
  expect(queue.hasCapacity()).toBe(true)
  expect(changes).toEqual(['slow', 'slow'])
  for (const id of ['fast', 'last']) add(id)
  expect(running()).toEqual(['slow', 'fast'])
  let isBack = false
  const back = slotOf('slow')
    .acquire()
    .then(() => (isBack = true))
  await setImmediate()
  expect(isBack).toBe(false)
  await end('fast')
  await back
  expect(running()).toEqual(['slow'])
  await end('slow')
  expect(running()).toEqual(['last'])
})

test('a limited number of jobs is without a slot; one more keeps its own', async () => {
  const { queue, add, slotOf, end } = startQueue(1)
  for (let i = 0; i < 16; i++) {
    add(`slow-${i}`)
    slotOf(`slow-${i}`).release()
  }
  add('one-more')
  slotOf('one-more').release()
  expect(queue.hasCapacity()).toBe(false)
  await end('slow-3')
  slotOf('one-more').release()
  expect(queue.hasCapacity()).toBe(true)
})

test('disposing stops the jobs that run, also those that wait for their slot', async () => {
  const { queue, add, slotOf } = startQueue(1)
  add('slow')
  slotOf('slow').release()
  add('fast')
  const back = slotOf('slow').acquire()
  await queue[Symbol.asyncDispose]()
  await back
  expect(queue.get('fast')).toBeNull()
})
