import { describe, expect, test } from 'vitest'
import { acquireAll, createSlots } from '../../../src/slots.js'
import { type Caller, OPEN_CALLER, type TaskRestriction, UNLIMITED } from '../../../src/tasks/caller.js'
import { quotaKeys } from '../../../src/tasks/service/permissions.js'

function callerWith(restriction: TaskRestriction | null, subscriptions: number | null = 2, id = 'me'): Caller {
  return { ...OPEN_CALLER, id, limits: { ...UNLIMITED, subscriptions }, restriction }
}
function reference(text: string) {
  return callerWith({ reference: text })
}

describe('quotaKeys', () => {
  test('a caller itself is counted once, with its limit', () => {
    expect(quotaKeys(callerWith(null), 'subscriptions')).toEqual([{ key: expect.any(String), limit: 2 }])
    expect(quotaKeys(callerWith(null), 'sockets')).toEqual([{ key: expect.any(String), limit: null }])
  })

  test('watch tokens are counted with those of the same tasks, and with all of their caller', () => {
    const [own, all, ...more] = quotaKeys(reference('a'), 'subscriptions')
    expect(more).toEqual([])
    expect([own?.limit, all?.limit]).toEqual([2, 10])
    expect(quotaKeys(reference('a'), 'subscriptions')).toEqual([own, all])
    const [other, same] = quotaKeys(reference('b'), 'subscriptions')
    expect(other?.key).not.toBe(own?.key)
    expect(same).toEqual(all)
  })

  test('no counter of one caller is a counter of another, whatever their names', () => {
    const names = ['me', 'me watch tokens', 'me {"reference":"a"}', '["me"]']
    const restrictions = [null, { reference: 'a' }, { taskIds: ['a'] }]
    const keysOf = (id: string) =>
      new Set(restrictions.flatMap(each => quotaKeys(callerWith(each, 2, id), 'subscriptions').map(({ key }) => key)))
    const keys = names.map(keysOf)
    expect(new Set(keys.flatMap(set => [...set])).size).toBe(keys.reduce((sum, set) => sum + set.size, 0))
  })
})

describe('acquireAll', () => {
  test('a caller that invents references gets no more than five times its limit', () => {
    const slots = createSlots()
    const releases = Array.from({ length: 30 }, (_, i) =>
      acquireAll(slots, quotaKeys(reference(`r${i}`), 'subscriptions')),
    )
    expect(releases.filter(release => release !== null)).toHaveLength(10)
    releases[0]?.()
    expect(acquireAll(slots, quotaKeys(reference('another'), 'subscriptions'))).not.toBeNull()
    expect(acquireAll(slots, quotaKeys(reference('one more'), 'subscriptions'))).toBeNull()
    expect(acquireAll(slots, quotaKeys(callerWith(null), 'subscriptions'))).not.toBeNull()
  })

  test('takes no slot when one of the counters is full', () => {
    const slots = createSlots()
    const full = { key: 'full', limit: 1 }
    const free = { key: 'free', limit: 1 }
    acquireAll(slots, [full])
    expect(acquireAll(slots, [free, full])).toBeNull()
    expect(slots.held('free')).toBe(0)
  })

  test('a release that is called twice gives back one slot', () => {
    const slots = createSlots()
    const quotas = [
      { key: 'a', limit: 2 },
      { key: 'b', limit: null },
    ]
    const release = acquireAll(slots, quotas)
    acquireAll(slots, quotas)
    release?.()
    release?.()
    expect([slots.held('a'), slots.held('b')]).toEqual([1, 1])
  })
})
