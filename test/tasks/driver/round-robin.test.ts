import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextTaskId, queuePosition } from '../../../src/tasks/driver/round-robin.js'
import type { CallerQueue } from '../../../src/tasks/task-store.js'

function line(caller: string, waiting: number, turn: number): CallerQueue {
  return {
    caller,
    waiting,
    first: `${caller}0`,
    turn,
  }
}

test('five hundred tasks of one caller do not delay a task of another', () => {
  const lines = [line('big', 500, 7), line('small', 1, 0)]
  expect(nextTaskId(lines)).toBe('small0')
  expect(queuePosition(lines, 'small', 0)).toBe(0)
  expect(queuePosition(lines, 'big', 499)).toBe(500)
})

test('a caller whose tasks are all held is skipped', () => {
  expect(nextTaskId([{ ...line('held', 3, 0), first: null }, line('other', 1, 5)])).toBe('other0')
  expect(nextTaskId([{ ...line('held', 3, 0), first: null }])).toBeNull()
  expect(nextTaskId([])).toBeNull()
})

const queues = fc.uniqueArray(
  fc.record({
    caller: fc.string({ minLength: 1, maxLength: 3 }),
    waiting: fc.integer({ min: 1, max: 12 }),
    turn: fc.integer({ min: 0, max: 5 }),
  }),
  { selector: ({ caller }) => caller, minLength: 1, maxLength: 6 },
)

test('a task is submitted at the queue position that was reported', () => {
  fc.assert(
    fc.property(queues, told => {
      const lines = told.map(({ caller, waiting, turn }) => line(caller, waiting, turn))
      const left = new Map<string, CallerQueue>(lines.map(each => [each.caller, each]))
      for (let place = 0, seq = 10; left.size > 0; place++, seq++) {
        const id = nextTaskId([...left.values()])
        const { caller, waiting } = [...left.values()].find(each => each.first === id)!
        const before = lines.find(each => each.caller === caller)!.waiting - waiting
        expect(queuePosition(lines, caller, before)).toBe(place)
        if (waiting === 1) left.delete(caller)
        else left.set(caller, { caller, waiting: waiting - 1, first: id, turn: seq })
      }
    }),
  )
})
