import { expect, test } from 'vitest'
import { schema } from '../../src/graphql/index.js'
import { startGatewayWithKeys } from '../support/callers.js'
import { AUDIO, VIDEO } from '../support/gateway.js'
import { code, resets } from '../support/jogg.js'

type Gateway = Awaited<ReturnType<typeof startGatewayWithKeys>>
interface Theirs {
  id: string
  cursor: string
  batchId: string
}

/** What each field returns for ids of another caller: the same as for ids that never were. */
const WALK: Record<string, (theirs: Theirs) => { operation: string; seen: unknown }> = {
  lipSyncTask: ({ id }) => ({ operation: `{ lipSyncTask(id: "${id}") { id } }`, seen: { lipSyncTask: null } }),
  lipSyncTasks: ({ id }) => ({
    operation: `{ all: lipSyncTasks { edges { node { id } } }
      after: lipSyncTasks(after: "${id}") { edges { node { id } } } before: lipSyncTasks(before: "${id}") { edges { node { id } } }
      byReference: lipSyncTasks(filter: { reference: "secret" }) { edges { node { id } } } }`,
    seen: { all: { edges: [] }, after: { edges: [] }, before: { edges: [] }, byReference: { edges: [] } },
  }),
  lipSyncEstimate: () => ({
    operation: '{ lipSyncEstimate(durationSeconds: 1) { credits } }',
    seen: { lipSyncEstimate: { credits: 0.01 } },
  }),
  gateway: () => ({ operation: '{ gateway { tasks { edges { node { id } } } } }', seen: 'FORBIDDEN' }),
  viewer: () => ({
    operation: '{ viewer { name usage(months: 24) { month } } }',
    seen: { viewer: { name: 'me', usage: [] } },
  }),
  node: ({ id }) => ({ operation: `{ node(id: "${id}") { id } }`, seen: { node: null } }),
  nodes: ({ id }) => ({ operation: `{ nodes(ids: ["${id}"]) { id } }`, seen: { nodes: [null] } }),
  createLipSync: () => ({
    operation: `mutation { createLipSync(input: { videoUrl: "${VIDEO}?mine", audioUrl: "${AUDIO}", idempotencyKey: "theirs" }) { task { videoUrl } } }`,
    seen: { createLipSync: { task: { videoUrl: `${VIDEO}?mine` } } },
  }),
  cancelLipSync: ({ id }) => ({
    operation: `mutation { cancelLipSync(input: { id: "${id}" }) { task { id } errors { code } } }`,
    seen: { cancelLipSync: { task: null, errors: [{ code: 'NOT_FOUND' }] } },
  }),
  retryLipSync: ({ id }) => ({
    operation: `mutation { retryLipSync(input: { id: "${id}" }) { task { id } errors { code } } }`,
    seen: { retryLipSync: { task: null, errors: [{ code: 'NOT_FOUND' }] } },
  }),
  resolveLipSync: ({ id }) => ({
    operation: `mutation { resolveLipSync(input: { id: "${id}", action: FAIL }) { task { id } } }`,
    seen: 'FORBIDDEN',
  }),
  createWatchToken: ({ id, batchId }) => ({
    operation: `mutation {
      ofTask: createWatchToken(input: { taskIds: ["${id}"] }) { watchToken { token } errors { code } }
      ofBatch: createWatchToken(input: { batchId: "${batchId}" }) { watchToken { token } errors { code } } }`,
    seen: {
      ofTask: { watchToken: null, errors: [{ code: 'NOT_FOUND' }] },
      ofBatch: { watchToken: null, errors: [{ code: 'NOT_FOUND' }] },
    },
  }),
  lipSyncBatch: ({ batchId }) => ({
    operation: `{ lipSyncBatch(id: "${batchId}") { id } }`,
    seen: { lipSyncBatch: null },
  }),
  createLipSyncBatch: () => ({
    operation: `mutation { createLipSyncBatch(input: { videoUrl: "${VIDEO}?mine", tracks: [
      { audioUrl: "${AUDIO}", idempotencyKey: "theirs" }] }) { batch { size } errors { code } } }`,
    seen: { createLipSyncBatch: { batch: { size: 1 }, errors: [] } },
  }),
  cancelLipSyncBatch: ({ batchId }) => ({
    operation: `mutation { cancelLipSyncBatch(input: { id: "${batchId}" }) { batch { id } errors { code } } }`,
    seen: { cancelLipSyncBatch: { batch: null, errors: [{ code: 'NOT_FOUND' }] } },
  }),
  createUpload: () => ({
    operation:
      'mutation { createUpload(input: { filename: "v.mp4", contentType: "video/mp4" }) { upload { method } errors { code } } }',
    seen: { createUpload: { upload: { method: 'PUT' }, errors: [] } },
  }),
}

function fieldsOf(type: { getFields(): object } | null | undefined) {
  return Object.keys(type?.getFields() ?? {})
}

async function theirTask(gw: Gateway): Promise<Theirs> {
  const { headers } = await gw.createKey('them')
  const input = {
    videoUrl: VIDEO,
    tracks: [{ audioUrl: AUDIO, reference: 'secret', idempotencyKey: 'theirs' }],
  }
  const query = `mutation ($input: CreateLipSyncBatchInput!) {
    createLipSyncBatch(input: $input) { batch { id tasks { edges { node { id cursor } } } } } }`
  const { batch } = (await gw.graphql(query, { input }, headers)).data.createLipSyncBatch
  return { ...batch.tasks.edges[0].node, batchId: batch.id }
}

test('the walk covers every field of the schema', () => {
  const fields = [...fieldsOf(schema.getQueryType()), ...fieldsOf(schema.getMutationType())]
  expect(Object.keys(WALK).sort()).toEqual(fields.sort())
  expect(fieldsOf(schema.getSubscriptionType())).toEqual(['taskUpdated', 'tasksUpdated'])
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

test('a subscription follows and replays no tasks of other callers', async () => {
  await using gw = await startGatewayWithKeys()
  const theirs = await theirTask(gw)
  await gw.clock.advance(0)
  const { text, headers } = await gw.createKey('me')
  await expect(gw.watch(theirs.id, undefined, text).next()).rejects.toThrow('NOT_FOUND')
  const all = gw.watch(undefined, '0', text)
  const mine = await gw.graphql(
    `mutation { createLipSync(input: { videoUrl: "${VIDEO}?mine", audioUrl: "${AUDIO}" }) { task { id } } }`,
    {},
    headers,
  )
  expect((await all.next())?.id).toBe(mine.data.createLipSync.task.id)
})

test('an admin sees and resolves any task by its id, and cannot retry it at its own cost', async () => {
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
    `mutation { resolveLipSync(input: { id: "${theirs.id}", action: FAIL }) { task { stage history { reason } } } }`,
    {},
    headers,
  )
  expect(settled.data.resolveLipSync.task).toMatchObject({ stage: 'FAILED' })
  expect(settled.data.resolveLipSync.task.history.at(-1)).toEqual({ reason: 'given up by ops' })
  const again = await gw.graphql(
    `mutation { retryLipSync(input: { id: "${theirs.id}" }) { task { id } errors { code } } }`,
    {},
    headers,
  )
  expect(again.data.retryLipSync).toEqual({ task: null, errors: [{ code: 'INVALID_STATE' }] })
})

test('an admin lists the tasks of all callers by stage and caller, and their usage, without the scope read', async () => {
  await using gw = await startGatewayWithKeys()
  gw.jogg.plays(resets('submit'))
  const theirs = await theirTask(gw)
  await gw.clock.advance(0)
  const { headers, text } = await gw.createKey('ops', { scopes: ['admin'] })
  const list = async (filter: string) => {
    const query = `{ gateway { tasks(filter: ${filter}) { edges { node { id caller stage } } } } }`
    const { data } = await gw.graphql(query, {}, headers)
    return data.gateway.tasks.edges.map((edge: { node: object }) => edge.node)
  }
  const task = { id: theirs.id, caller: 'them', stage: 'UNKNOWN' }
  for (const filter of ['{}', '{ stage: UNKNOWN }', '{ caller: "them" }', '{ caller: "them", reference: "secret" }'])
    expect(await list(filter), filter).toEqual([task])
  for (const filter of ['{ stage: QUEUED }', '{ caller: "ops" }', '{ reference: "other" }'])
    expect(await list(filter), filter).toEqual([])
  const { data } = await gw.graphql('{ gateway { usage { caller creditsReserved } } }', {}, headers)
  expect(data.gateway.usage).toEqual([{ caller: 'them', creditsReserved: 0.48 }])
  expect(await gw.watch(theirs.id, undefined, text).next()).toMatchObject({ stage: 'UNKNOWN' })
})
