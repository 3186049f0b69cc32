import { expect, test } from 'vitest'
import { createProgress } from '../../../src/upstream/engine/worker/progress.js'

test('progress rises over the parts of a job, and is told at most once a second', () => {
  let now = 0
  const told: number[] = []
  const progress = createProgress(
    share => told.push(share),
    () => now,
  )
  progress.decoded()
  for (let i = 0; i <= 30; i++, now += 100) progress.tracked(i / 30)
  for (let i = 0; i <= 30; i++, now += 100) progress.drawn(i / 30)
  expect(told).toHaveLength(7)
  expect(told).toEqual([...told].sort((a, b) => a - b))
  expect(told[0]).toBeGreaterThan(0)
  expect(told.at(-1)).toBeLessThanOrEqual(1)
})
