import { expect, test } from 'vitest'
import { createApiKey, hashSecret } from '../src/auth/api-key.js'
import { openKeyStore } from '../src/store/open-store.js'
import { accepted, processing, success } from './support/jogg.js'
import { inputNamed, startGateways } from './support/nodes.js'
import { describePostgres } from './support/postgres/database.js'
import { openSocket } from './support/socket.js'

describePostgres('gateways on one Postgres', () => {
  test('a task that is created on one is followed on another: each step once, in order', async () => {
    await using run = await startGateways(2)
    const [first, second] = run.gateways
    run.jogg.plays(accepted('up-1'), processing(), success())
    const events = await second!.tasks.followAll()
    const steps = stagesOf(events)
    const task = await first!.tasks.create(inputNamed('one'))
    await run.clock.advance(30_000)
    const following = stagesOf(await second!.tasks.follow(task.id, { after: '0' }))
    await following.ended
    await expect.poll(() => steps.seen.at(-1)).toBe('success')
    const all = ['queued', 'submitting', 'submitted', 'processing', 'success']
    expect(steps.seen).toEqual(all)
    expect(following.seen).toEqual(all)
  })

  test('a step is pushed to another gateway without its clock moving', async () => {
    await using run = await startGateways(2)
    const [first, second] = run.gateways
    run.jogg.plays(accepted('up-1'))
    const steps = stagesOf(await second!.tasks.followAll())
    await first!.tasks.create(inputNamed('one'))
    await expect.poll(() => steps.seen).toEqual(['queued', 'submitting', 'submitted'])
  })

  test('steps during a cut of all connections are delivered after it', async () => {
    await using run = await startGateways(2)
    const [first, second] = run.gateways
    run.jogg.plays(success(), success())
    const steps = stagesOf(await second!.tasks.followAll())
    await first!.tasks.create(inputNamed('before'))
    await expect.poll(() => steps.seen.at(-1)).toBe('submitted')
    expect(await run.cutConnections()).toBeGreaterThan(2)
    const input = { ...inputNamed('during'), idempotencyKey: 'during' }
    await expect.poll(() => first!.tasks.create(input).then(({ stage }) => stage, String)).toMatch(/^[a-z]+$/)
    await run.clock.advance(10_000)
    await run.clock.advance(60_000)
    await expect.poll(() => steps.seen.filter(stage => stage === 'success')).toHaveLength(2)
    expect(steps.seen.filter(stage => stage === 'queued')).toHaveLength(2)
    expect(new Set(steps.cursors).size).toBe(steps.cursors.length)
    expect(run.lines().filter(({ msg }) => String(msg).includes('notifications'))).not.toEqual([])
  })

  test('a revoked key closes its sockets on all', async () => {
    await using run = await startGateways(2)
    await using store = await openKeyStore({ databaseUrl: run.databaseUrl, dataDir: '.' })
    const { keys } = store
    const { id, secret, text } = createApiKey()
    const scopes = ['read', 'create'] as const
    const made = { id, caller: 'acme', hash: hashSecret(secret), scopes, limits: {}, createdAt: 0, expiresAt: null }
    await keys.create(made)
    const sockets = await Promise.all(run.urls.map(url => openSocket(url)))
    for (const socket of sockets) {
      socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${text}` } })
      expect(await socket.next()).toMatchObject({ type: 'connection_ack' })
    }
    await keys.revoke(id, 1)
    const closed = await Promise.all(sockets.map(socket => socket.closed))
    expect(closed.map(({ reason }) => reason)).toEqual(['Login revoked', 'Login revoked'])
    for (const url of run.urls) {
      const response = await fetch(`${url}/graphql?query={__typename}`, { headers: { 'x-api-key': text } })
      expect(response.status).toBe(401)
    }
  })
})

/** Reads events until they end. A repeated event counts once. */
function stagesOf(events: AsyncIterable<{ readonly cursor: string; readonly task: { readonly stage: string } }>) {
  const seen: string[] = []
  const cursors: string[] = []
  const read = async () => {
    for await (const { cursor, task } of events) {
      if (cursors.at(-1) === cursor) continue
      seen.push(task.stage)
      cursors.push(cursor)
    }
  }
  return { seen, cursors, ended: read() }
}
