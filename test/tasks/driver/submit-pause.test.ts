import { expect, test } from 'vitest'
import { createSubmitPause } from '../../../src/tasks/driver/submit-pause.js'
import { UpstreamError } from '../../../src/tasks/driver/upstream.js'

test.each(['rate-limited', 'account', 'not-accepted'] as const)(
  'a pause for a refusal lasts until its end, whatever status checks are answered: %s',
  kind => {
    const pause = createSubmitPause(() => 0.5, true)
    pause.submitFailed(new UpstreamError(kind, 'refused'), 1_000)
    const { until } = pause.at(1_000)!
    expect(pause.checkAnswered(until - 1)).toBe(false)
    expect(pause.at(until - 1)).toMatchObject({ kind, reason: 'refused' })
    expect(pause.at(until)).toBeNull()
  },
)

test('a pause for lost answers ends when a check is answered, a few seconds later at the earliest', () => {
  const pause = createSubmitPause(() => 0.5, true)
  for (const now of [1_000, 2_000]) pause.submitFailed(new UpstreamError('unclear', 'lost'), now)
  expect(pause.checkAnswered(6_999)).toBe(false)
  expect(pause.at(6_999)).not.toBeNull()
  expect(pause.checkAnswered(7_000)).toBe(true)
  expect(pause.at(7_000)).toBeNull()
})
