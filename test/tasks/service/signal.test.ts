import { expect, test } from 'vitest'
import { createSignal } from '../../../src/tasks/service/signal.js'

test('a wait ends with what is raised, and the next one waits again', async () => {
  const signal = createSignal<string>()
  let ended = false
  const first = signal.wait()
  void first.then(() => (ended = true))
  await new Promise(setImmediate)
  expect(ended).toBe(false)
  signal.raise('a')
  expect(await first).toEqual(new Set(['a']))

  const second = signal.wait()
  ended = false
  void second.then(() => (ended = true))
  await new Promise(setImmediate)
  expect(ended).toBe(false)
  signal.raise('b')
  expect(await second).toEqual(new Set(['b']))
})

test('keeps what is raised between two waits, once for each kind', async () => {
  const signal = createSignal<string>()
  for (const kind of ['a', 'b', 'a']) signal.raise(kind)
  expect([...(await signal.wait())!]).toEqual(['a', 'b'])
  signal.raise('c')
  expect([...(await signal.wait())!]).toEqual(['c'])
})

test('keeps everything that is raised in the same turn as the one that ends the wait', async () => {
  const signal = createSignal<string>()
  const waiting = signal.wait()
  signal.raise('a')
  signal.raise('b')
  expect(await waiting).toEqual(new Set(['a', 'b']))
})

test('a close ends the current wait and every later one, whatever was raised', async () => {
  const signal = createSignal<string>()
  const waiting = signal.wait()
  expect(signal.isClosed()).toBe(false)
  signal.close()
  expect(signal.isClosed()).toBe(true)
  expect(await waiting).toBeNull()
  signal.raise('a')
  expect(await signal.wait()).toBeNull()
  expect(await signal.wait()).toBeNull()
})
