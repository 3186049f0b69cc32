import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextSlots, WINDOW_MS } from '../../../src/tasks/driver/sliding-window.js'

const NOW = 1_000_000

test('no window ever holds more than the limit, whatever was submitted before', () => {
  const pasts = fc.array(fc.integer({ min: NOW - 2 * WINDOW_MS, max: NOW }), { maxLength: 30 })
  fc.assert(
    fc.property(
      pasts,
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 0, max: WINDOW_MS }),
      (past, limit, later) => {
        const ended = past.sort((a, b) => a - b)
        const slot = nextSlots(ended, limit, NOW + later)
        // What left before is given; what leaves from now on must fit beside it.
        const given = ended.slice(-limit)
        const all = [...given, ...Array.from({ length: 40 }, (_, i) => slot(i))]
        for (let i = Math.max(limit, given.length); i < all.length; i++)
          expect(all[i]! - all[i - limit]!).toBeGreaterThanOrEqual(WINDOW_MS)
        expect(slot(0)).toBeGreaterThanOrEqual(NOW + later)
      },
    ),
  )
})

test('an empty window admits as many submits as the limit at once', () => {
  const slot = nextSlots([], 2, NOW)
  expect([0, 1, 2, 3, 4].map(slot)).toEqual([0, 0, 1, 1, 2].map(minutes => NOW + minutes * WINDOW_MS))
})
