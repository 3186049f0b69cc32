import { expect, test } from 'vitest'
import { startTestGateway } from '../../support/gateway.js'
import { code } from '../../support/jogg.js'

test('two hundred simultaneous creates with one key create one task, in any stage of it', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(code('submit', 40000, 'video_url is broken'))
  const made = await Promise.all(Array.from({ length: 200 }, () => gw.createLipSync({ idempotencyKey: 'order 7' })))
  expect(new Set(made.map(task => task.id)).size).toBe(1)
  await gw.clock.advance(0)
  const again = await gw.createLipSync({ idempotencyKey: 'order 7' })
  expect(again).toMatchObject({
    id: made[0]?.id,
    stage: 'FAILED',
    failure: { code: 'UPSTREAM_REJECTED', message: 'video_url is broken' },
  })
  expect(gw.jogg.calls('submit')).toHaveLength(1)
})

test.each([
  ['videoUrl', { videoUrl: 'https://media.example/other.mp4' }],
  ['audioUrl', { audioUrl: 'https://media.example/other.mp3' }],
  ['playbackType', { playbackType: 'NORMAL_REVERSE' }],
  ['reference', { reference: 'other' }],
])('the same key with another %s is refused and named in the error', async (field, other) => {
  await using gw = await startTestGateway()
  await gw.createLipSync({ idempotencyKey: 'k' })
  const { data } = await gw.create({ idempotencyKey: 'k', ...other })
  expect(data.createLipSync.errors).toMatchObject([{ code: 'IDEMPOTENCY_MISMATCH', path: ['input', field] }])
})

test.each(['', 'x'.repeat(129), 'a\nb', '\u0000'])('rejects the malformed idempotency key %j', async idempotencyKey => {
  await using gw = await startTestGateway()
  const { data } = await gw.create({ idempotencyKey })
  expect(data.createLipSync.errors).toMatchObject([{ code: 'BAD_USER_INPUT', path: ['input', 'idempotencyKey'] }])
})
