import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextSlots, WINDOW_MS } from '../../../src/tasks/driver/sliding-window.js'

const NOW = 1_000_000

test('whatever left before, no window ever holds more than the limit', () => {
  const pasts = fc.array(fc.integer({ min: NOW - 2 * WINDOW_MS, max: NOW + WINDOW_MS }), { maxLength: 30 })
  fc.assert(
    fc.property(
      pasts,
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 0, max: WINDOW_MS }),
      (past, limit, later) => {
        const ended = past.sort((a, b) => a - b)
        const place = nextSlots(ended, limit, NOW, NOW + later)
        const told = ended.map(at => Math.min(at, NOW)).filter(at => at > NOW - WINDOW_MS)
        // What left before is given; what leaves from now on must fit beside it.
        const all = [...told.slice(-limit), ...Array.from({ length: 40 }, (_, i) => place(i))]
        for (let i = Math.max(limit, told.slice(-limit).length); i < all.length; i++)
          expect(all[i]! - all[i - limit]!).toBeGreaterThanOrEqual(WINDOW_MS)
        expect(place(0)).toBeGreaterThanOrEqual(NOW + later)
      },
    ),
  )
})

test('an empty minute takes them at once', () => {
  const place = nextSlots([], 2, NOW, NOW)
  expect([0, 1, 2, 3, 4].map(place)).toEqual([0, 0, 1, 1, 2].map(minutes => NOW + minutes * WINDOW_MS))
})
