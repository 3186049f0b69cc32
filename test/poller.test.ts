import { expect, test } from 'vitest'
import { type Poller, startPoller } from '../src/poller.js'
import { createManualClock } from './support/manual-clock.js'

test('a round that fails is tried again, and told until one goes well', async () => {
  let rounds = 0
  const { clock, errors, poller } = start(async () => {
    if (++rounds === 1) throw new Error('no disk')
    return null
  })
  await poller.asleep()
  expect([rounds, poller.problem(), errors]).toEqual([1, 'no disk', [new Error('no disk')]])
  await clock.advance(4_999)
  expect(rounds).toBe(1)
  await clock.advance(1)
  expect([rounds, poller.problem()]).toEqual([2, null])
  await poller[Symbol.asyncDispose]()
})

test('a nudge during a round is not slept over, and rounds never overlap', async () => {
  let rounds = 0
  let running = 0
  const { poller } = start(async () => {
    rounds++
    running++
    expect(running).toBe(1)
    await new Promise(setImmediate)
    if (rounds < 3) poller.nudge()
    running--
    return null
  })
  await poller.asleep()
  expect(rounds).toBe(3)
  await poller[Symbol.asyncDispose]()
})

test('a poller that is stopped finishes its round and begins no other', async () => {
  let finished = 0
  const { poller } = start(async () => {
    await new Promise(setImmediate)
    finished++
    return 0
  })
  await poller[Symbol.asyncDispose]()
  expect(finished).toBe(1)
})

test('a poller that is nudged in every round leaves timers and sockets their turn', async () => {
  let rounds = 0
  const errors: unknown[] = []
  await using poller: Poller = startPoller({
    clock: createManualClock(),
    async round() {
      // The first round begins before there is a poller to nudge.
      await Promise.resolve()
      if (++rounds < 10_000) poller.nudge()
      return null
    },
    onError: thrown => errors.push(thrown),
  })
  await new Promise(setImmediate)
  expect(errors).toEqual([])
  expect(rounds).toBeGreaterThan(0)
  expect(rounds).toBeLessThan(10)
})

function start(round: () => Promise<number | null>) {
  const errors: unknown[] = []
  const clock = createManualClock(0)
  return { clock, errors, poller: startPoller({ clock, round, onError: thrown => errors.push(thrown) }) }
}
