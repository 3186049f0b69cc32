import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { meddle, newDatabase } from '../support/database.js'
import { AUDIO, startTestGateway, VIDEO } from '../support/gateway.js'
import { code } from '../support/jogg.js'
import { openSocket } from '../support/socket.js'

let gw: Awaited<ReturnType<typeof startTestGateway>>
beforeAll(async () => {
  gw = await startTestGateway()
})
afterAll(() => gw[Symbol.asyncDispose]())

describe('protocol errors', () => {
  test.each(['not JSON', '{}', '{"type":"nonsense"}', '{"type":"subscribe","id":"1"}', '[]', ''])(
    'in the message %j closes with 4400',
    async message => {
      const client = await opened()
      client.send(message)
      expect(await client.closed).toEqual({ code: 4400, reason: 'Invalid message received' })
    },
  )

  test('closes after a message that only a server may send', async () => {
    const client = await opened()
    client.send({ type: 'connection_ack' })
    expect((await client.closed).code).toBe(4500)
  })

  test('closes after an operation before `connection_init` with 4401', async () => {
    const client = await openSocket(gw.url)
    client.ask('1', '{ __typename }')
    expect((await client.closed).code).toBe(4401)
  })

  test.each([
    ['GRAPHQL_PARSE_FAILED', '{', {}],
    ['GRAPHQL_VALIDATION_FAILED', '{ nonsense }', {}],
    ['OPERATION_RESOLUTION_FAILURE', 'query A { __typename } query B { __typename }', {}],
    ['QUERY_TOO_COMPLEX', `{ ${'__typename '.repeat(2_001)} }`, {}],
    ['QUERY_TOO_COMPLEX', `{ ${'... { '.repeat(13)} __typename ${'} '.repeat(13)} }`, {}],
    ['NOT_FOUND', 'subscription { taskUpdated(id: "nobody") { cursor } }', {}],
    ['BAD_USER_INPUT', 'subscription { tasksUpdated(after: "x") { cursor } }', {}],
    ['CURSOR_UNKNOWN', 'subscription { tasksUpdated(after: "0-99") { cursor } }', {}],
    ['BAD_USER_INPUT', 'subscription ($after: String) { tasksUpdated(after: $after) { cursor } }', { after: 7 }],
    ['BAD_USER_INPUT', 'query ($id: ID!) { lipSyncTask(id: $id) { id } }', {}],
  ])('in an operation arrives as %s, and the socket stays open', async (expected, query, variables) => {
    const client = await opened()
    client.ask('1', query, variables)
    const { payload } = await client.next()
    const [error, ...more] = payload.errors ?? payload
    expect(error.extensions).toEqual({
      code: expected,
      ...(error.extensions.field && { field: expect.stringMatching(/^(after|id)$/) }),
    })
    expect(more).toEqual([])
    client.ask('2', '{ __typename }')
    const later = [await client.next(), await client.next()]
    expect(later.find(message => message.id === '2')).toMatchObject({ type: 'next' })
  })
})

test('an unexpected error in a subscription is sent as the id of its log line only', async () => {
  const file = await newDatabase()
  await using broken = await startTestGateway({ databaseUrl: `file:${file}` })
  meddle(file, database => database.exec('ALTER TABLE transitions RENAME COLUMN reason TO elsewhere'))
  const client = await opened(broken)
  client.ask('1', 'subscription { tasksUpdated(after: "0") { cursor } }')
  const { payload } = await client.next()
  const [error] = payload.errors ?? payload
  expect(error).toMatchObject({ message: 'Internal server error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } })
  expect(broken.lines).toContainEqual(expect.objectContaining({ errorId: error.extensions.id }))
})

test('executes queries and mutations', async () => {
  const client = await opened()
  const input = { videoUrl: VIDEO, audioUrl: AUDIO }
  client.ask('1', 'mutation ($input: CreateLipSyncInput!) { createLipSync(input: $input) { task { id stage } } }', {
    input,
  })
  const { payload } = await client.next()
  expect(payload).toEqual({ data: { createLipSync: { task: { id: expect.any(String), stage: 'QUEUED' } } } })
  expect(await client.next()).toEqual({ id: '1', type: 'complete' })
  client.ask('2', 'query ($id: ID!) { lipSyncTask(id: $id) { id } }', { id: payload.data.createLipSync.task.id })
  expect(await client.next()).toMatchObject({
    payload: { data: { lipSyncTask: { id: payload.data.createLipSync.task.id } } },
  })
})

test.each(['completes the operation', 'closes the socket', 'drops the connection'])(
  'a client that %s while nothing happens is forgotten at once',
  async how => {
    await using quiet = await startTestGateway()
    const before = quiet.gateway.listeners()
    const client = await opened(quiet)
    const queued = await quiet.createLipSync()
    await quiet.clock.advance(0)
    client.ask('one', `subscription { taskUpdated(id: "${queued.id}") { cursor } }`)
    client.ask('all', 'subscription { tasksUpdated(after: "0") { cursor } }')
    for (let told = 0; told < 4; told++) await client.next()
    expect(quiet.gateway.listeners()).toBeGreaterThan(before + 1)
    if (how === 'closes the socket') client.socket.close()
    else if (how === 'drops the connection') client.socket.terminate()
    else for (const id of ['one', 'all']) client.send({ type: 'complete', id })
    await expect.poll(() => quiet.gateway.listeners(), { interval: 1 }).toBe(before)
  },
)

test('a client that reads nothing does not delay others', async () => {
  await using busy = await startTestGateway()
  busy.jogg.plays(code('submit', 18020, 'no credit'))
  const stalled = await opened(busy)
  stalled.socket.pause()
  const much = Array.from({ length: 15 }, (_, i) => `a${i}: videoUrl`)
  stalled.ask('1', `subscription { tasksUpdated(after: "0") { task { ${much} } } }`)
  const reader = await opened(busy)
  reader.ask('1', 'subscription { tasksUpdated(after: "0") { cursor } }')
  const videoUrl = `${VIDEO}?${'x'.repeat(2_000)}`
  const creating = Promise.all(
    Array.from({ length: 1_200 }, () => busy.gateway.tasks.create({ videoUrl, audioUrl: AUDIO })),
  )
  const cursors: number[] = []
  while (cursors.length < 1_200)
    cursors.push(Number((await reader.next()).payload.data.tasksUpdated.cursor.split('-').at(-1)))
  await creating
  expect(cursors).toEqual(cursors.toSorted((a, b) => a - b))
  stalled.socket.terminate()
})

test('a client that sends without reading is served when it reads again', async () => {
  const client = await opened()
  client.socket.pause()
  const payload = { x: 'x'.repeat(90_000) }
  for (let i = 0; i < 300; i++) client.send({ type: 'ping', payload })
  const other = await opened()
  other.send({ type: 'ping' })
  expect(await other.next()).toEqual({ type: 'pong' })
  expect(client.socket.bufferedAmount).toBeGreaterThan(0)
  client.socket.resume()
  for (let i = 0; i < 300; i++) expect((await client.next()).payload.x).toHaveLength(90_000)
})

async function opened({ url } = gw) {
  const client = await openSocket(url)
  await client.init()
  return client
}
