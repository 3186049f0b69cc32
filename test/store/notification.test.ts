import { expect, test } from 'vitest'
import { channelOf, decodeNotification, encodeChanges } from '../../src/store/postgres/notification.js'
import type { Change } from '../../src/tasks/change-feed.js'

const transition = (seq: number): Change => ({
  kind: 'transition',
  from: seq % 2 === 0 ? null : 'queued',
  task: {
    seq,
    stage: 'submitting',
    id: `01a20fcb-570c-7df0-9252-${String(seq).padStart(12, '0')}`,
    caller: 'é'.repeat(200),
    reference: seq % 3 === 0 ? null : `order "${seq}"`,
    retryOf: null,
    createdAt: 1_735_689_600_000,
  },
})

test('changes of any number are sent in payloads that Postgres takes, and arrive as they were', () => {
  const changes: Change[] = [
    ...Array.from({ length: 300 }, (_, seq) => transition(seq)),
    { kind: 'refresh', taskId: 'a' },
  ]
  const payloads = encodeChanges('node', changes)
  expect(Math.max(...payloads.map(payload => Buffer.byteLength(payload)))).toBeLessThan(8_000)
  const arrived = payloads.map(decodeNotification)
  expect(arrived.map(notification => notification?.sender)).toEqual(payloads.map(() => 'node'))
  expect(arrived.flatMap(notification => notification?.changes ?? [])).toEqual(changes)
})

test('of equal refreshes one is sent', () => {
  const [payload = ''] = encodeChanges('node', [
    { kind: 'refresh', taskId: 'a' },
    { kind: 'refresh', taskId: 'a' },
  ])
  expect(decodeNotification(payload)?.changes).toEqual([{ kind: 'refresh', taskId: 'a' }])
})

test.each(['', 'hello', '{}', '{"s":"x","t":[[1]]}', '{"s":"x","t":[[1,null,"melted","a","b",null,null,1]]}'])(
  'a payload that this version does not understand is ignored: %s',
  payload => {
    expect(decodeNotification(payload)).toBeNull()
  },
)

test('the name of a channel is never too long, and differs by schema', () => {
  const names = ['a', 's'.repeat(63), `${'s'.repeat(62)}t`].map(channelOf)
  expect(new Set(names).size).toBe(3)
  for (const name of names) expect(Buffer.byteLength(name)).toBeLessThan(64)
})
