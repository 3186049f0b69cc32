import { expect, test } from 'vitest'
import { schema } from '../../src/graphql/index.js'
import { startGatewayWithKeys } from '../support/callers.js'
import { AUDIO, VIDEO } from '../support/gateway.js'
import { code, resets } from '../support/jogg.js'

type Gateway = Awaited<ReturnType<typeof startGatewayWithKeys>>
interface Theirs {
  id: string
  cursor: string
}

/** What each field says to a caller who uses the ids of another: the same as of ids that never were. */
const WALK: Record<string, (theirs: Theirs) => { operation: string; seen: unknown }> = {
  lipSyncTask: ({ id }) => ({ operation: `{ lipSyncTask(id: "${id}") { id } }`, seen: { lipSyncTask: null } }),
  lipSyncTasks: ({ id }) => ({
    operation: `{ all: lipSyncTasks { edges { node { id } } }
      after: lipSyncTasks(after: "${id}") { edges { node { id } } } before: lipSyncTasks(before: "${id}") { edges { node { id } } }
      byReference: lipSyncTasks(reference: "secret") { edges { node { id } } } }`,
    seen: { all: { edges: [] }, after: { edges: [] }, before: { edges: [] }, byReference: { edges: [] } },
  }),
  lipSyncEstimate: () => ({
    operation: '{ lipSyncEstimate(durationSeconds: 1) { credits } }',
    seen: { lipSyncEstimate: { credits: 0.01 } },
  }),
  gatewayStatus: () => ({ operation: '{ gatewayStatus { queueDepth } }', seen: 'FORBIDDEN' }),
  usage: () => ({ operation: '{ usage(months: 24) { month } }', seen: { usage: [] } }),
  createLipSync: () => ({
    operation: `mutation { createLipSync(input: { videoUrl: "${VIDEO}?mine", audioUrl: "${AUDIO}", idempotencyKey: "theirs" }) { videoUrl } }`,
    seen: { createLipSync: { videoUrl: `${VIDEO}?mine` } },
  }),
  cancelLipSync: ({ id }) => ({ operation: `mutation { cancelLipSync(id: "${id}") { id } }`, seen: 'NOT_FOUND' }),
  retryLipSync: ({ id }) => ({ operation: `mutation { retryLipSync(id: "${id}") { id } }`, seen: 'NOT_FOUND' }),
  resolveLipSync: ({ id }) => ({
    operation: `mutation { resolveLipSync(id: "${id}", action: FAIL) { id } }`,
    seen: 'FORBIDDEN',
  }),
  createWatchToken: ({ id }) => ({
    operation: `mutation { createWatchToken(taskIds: ["${id}"]) { token } }`,
    seen: 'NOT_FOUND',
  }),
}

const fieldsOf = (type: { getFields(): object } | null | undefined) => Object.keys(type?.getFields() ?? {})

const theirTask = async (gw: Gateway): Promise<Theirs> => {
  const { headers } = await gw.createKey('them')
  const input = { videoUrl: VIDEO, audioUrl: AUDIO, reference: 'secret', idempotencyKey: 'theirs' }
  const query = 'mutation ($input: CreateLipSyncInput!) { createLipSync(input: $input) { id cursor } }'
  return (await gw.graphql(query, { input }, headers)).data.createLipSync
}

test('the walk knows every field of the schema', () => {
  const fields = [...fieldsOf(schema.getQueryType()), ...fieldsOf(schema.getMutationType())]
  expect(Object.keys(WALK).sort()).toEqual(fields.sort())
  expect(fieldsOf(schema.getSubscriptionType())).toEqual(['taskUpdated'])
})

test.each(Object.keys(WALK))("%s treats another caller's ids as unknown", async field => {
  await using gw = await startGatewayWithKeys()
  gw.jogg.plays(code('submit', 40000, 'no'))
  const theirs = await theirTask(gw)
  await gw.clock.advance(0)
  const { headers } = await gw.createKey('me')
  const { operation, seen } = WALK[field]!(theirs)
  const { data, errors } = await gw.graphql(operation, {}, headers)
  expect(errors ? errors[0]?.extensions?.code : data).toEqual(seen)
})

test("a subscription follows nobody else's tasks, and replays none of their transitions", async () => {
  await using gw = await startGatewayWithKeys()
  const theirs = await theirTask(gw)
  await gw.clock.advance(0)
  const { text, headers } = await gw.createKey('me')
  await expect(gw.watch(theirs.id, undefined, text).next()).rejects.toThrow('NOT_FOUND')
  const all = gw.watch(undefined, '0', text)
  const mine = await gw.graphql(
    `mutation { createLipSync(input: { videoUrl: "${VIDEO}?mine", audioUrl: "${AUDIO}" }) { id } }`,
    {},
    headers,
  )
  expect((await all.next())?.id).toBe(mine.data.createLipSync.id)
})

test('an admin canSee and settles any task by its id, and makes none of its own of them', async () => {
  await using gw = await startGatewayWithKeys()
  gw.jogg.plays(resets('submit'))
  const theirs = await theirTask(gw)
  await gw.clock.advance(0)
  const { headers } = await gw.createKey('ops', { scopes: ['read', 'create', 'admin'] })
  const seen = await gw.graphql(
    `{ lipSyncTask(id: "${theirs.id}") { stage } lipSyncTasks { edges { node { id } } } }`,
    {},
    headers,
  )
  expect(seen.data).toEqual({ lipSyncTask: { stage: 'UNKNOWN' }, lipSyncTasks: { edges: [] } })
  const settled = await gw.graphql(
    `mutation { resolveLipSync(id: "${theirs.id}", action: FAIL) { stage history { reason } } }`,
    {},
    headers,
  )
  expect(settled.data.resolveLipSync).toMatchObject({ stage: 'FAILED' })
  expect(settled.data.resolveLipSync.history.at(-1)).toEqual({ reason: 'given up at the word of ops' })
  const again = await gw.graphql(`mutation { retryLipSync(id: "${theirs.id}") { id } }`, {}, headers)
  expect(again.errors?.[0]?.extensions?.code).toBe('INVALID_STATE')
})
