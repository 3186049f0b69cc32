import { buildSchema, type ExecutionArgs, type ExecutionResult, GraphQLError, parse } from 'graphql'
import { expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { createSharedSubscribe, type ResultStream } from '../../src/http/shared-subscribe.js'
import { deliverResults } from '../../src/http/socket-delivery.js'
import { type Caller, OPEN_CALLER } from '../../src/tasks/caller.js'

const schema = buildSchema(`
  type Query { unused: Int }
  type Event { steps(first: Int = 10): [Int!]! }
  type Subscription { event(after: Int): Event! }
`)
const document = parse('subscription ($first: Int, $after: Int) { event(after: $after) { steps(first: $first) } }')

/** Subscribers of the same events, and the number of executions so far. */
function startSubscriptions() {
  const events = [{ number: 1 }, { number: 2 }]
  let executions = 0
  const subscribe = createSharedSubscribe(thrown => new GraphQLError(String(thrown)))

  async function open(variableValues: ExecutionArgs['variableValues'], caller: Caller = OPEN_CALLER) {
    const rootValue = {
      async *event() {
        yield* events
      },
    }
    const execute = (event: object): ExecutionResult => {
      executions++
      return { data: { event } }
    }
    return (await subscribe(
      { schema, document, rootValue, variableValues, contextValue: { caller } },
      execute,
    )) as ResultStream
  }
  return { open, executions: () => executions }
}

async function firstOf(stream: ResultStream): Promise<ExecutionResult> {
  return (await stream.next()).value
}

test('executes and serialises an event once for all followers that ask the same', async () => {
  const { open, executions } = startSubscriptions()
  let serialised = 0
  const messages: string[] = []
  const socket = {
    ...{ readyState: 1, OPEN: 1 },
    send(message: Buffer, _: object, sent: () => void) {
      messages.push(message.toString())
      sent()
    },
  }
  const toPayload = (result: ExecutionResult) => {
    serialised++
    return result
  }
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const results = await open({ first: 1, after: index })
      const delivery = deliverResults(results, { socket: socket as unknown as WebSocket, id: `${index}`, toPayload })
      await delivery.next()
    }),
  )
  expect([executions(), serialised]).toEqual([2, 2])
  expect(messages).toHaveLength(40)
  expect(messages).toContain('{"id":"7","type":"next","payload":{"data":{"event":{"number":2}}}}')
})

test('followers with the same operation, variables and caller get the same result', async () => {
  const { open } = startSubscriptions()
  const [one, other] = [await open({ first: 1 }), await open({ first: 1 }, { ...OPEN_CALLER })]
  expect(await firstOf(one)).toBe(await firstOf(other))
})

const restricted = (reference: string): Caller => ({ ...OPEN_CALLER, restriction: { reference } })
const APART: readonly [string, Parameters<ReturnType<typeof startSubscriptions>['open']>[]][] = [
  ['another caller', [[{}], [{}, { ...OPEN_CALLER, id: 'other' }]]],
  [
    'another restriction',
    [
      [{}, restricted('a')],
      [{}, restricted('b')],
    ],
  ],
  ['other scopes', [[{}], [{}, { ...OPEN_CALLER, scopes: new Set(['read']) }]]],
  ['other limits', [[{}], [{}, { ...OPEN_CALLER, limits: { ...OPEN_CALLER.limits, sockets: 1 } }]]],
  ['another value of a variable', [[{ first: 1 }], [{ first: 2 }]]],
  ['a variable that is null instead of absent', [[{}], [{ first: null }]]],
]
test.each(APART)('followers with %s share no result', async (_, [one, other]) => {
  const { open, executions } = startSubscriptions()
  if (!one || !other) throw new Error('a case without two followers')
  const [a, b] = [await firstOf(await open(...one)), await firstOf(await open(...other))]
  expect(a).not.toBe(b)
  expect(executions()).toBe(2)
})
