import pg from 'pg'
import { expect, test } from 'vitest'
import { createApiKey, hashSecret } from '../src/auth/api-key.js'
import type { KeyStore } from '../src/auth/ports.js'
import type { Clock } from '../src/clock.js'
import { openKeyStore } from '../src/store/open-store.js'
import { pollAt } from '../src/tasks/poll-state.js'
import { advance, type TaskIn } from '../src/tasks/task.js'
import type { ClaimRequest } from '../src/tasks/task-store.js'
import { openTestStore } from './support/database.js'
import { accepted, processing, success } from './support/jogg.js'
import { inputNamed, startGateways } from './support/nodes.js'
import { describePostgres, query } from './support/postgres/database.js'
import { openSocket } from './support/socket.js'
import { newTask, queue } from './support/store-contract.js'

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

  test('without a connection that listens, steps come within a second', async () => {
    await using run = await startGateways(2, { databaseDirectUrl: 'postgres://127.0.0.1:1/nowhere' })
    const [first, second] = run.gateways
    run.jogg.plays(accepted('up-1'))
    const steps = stagesOf(await second!.tasks.followAll())
    await first!.tasks.create(inputNamed('one'))
    await first!.settled()
    await run.clock.advance(1_000)
    await expect.poll(() => steps.seen).toEqual(['queued', 'submitting', 'submitted'])
  })

  test('lists them, and no longer one that left', async () => {
    await using run = await startGateways(2)
    const { gateway } = await run.open()
    expect(await run.nodes()).toHaveLength(3)
    await gateway[Symbol.asyncDispose]()
    expect(await run.nodes()).toEqual([
      expect.objectContaining({ pid: process.pid, isLost: false }),
      expect.objectContaining({ pid: process.pid, isLost: false }),
    ])
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

  test('a submit whose gateway stood still after its claim is not sent', async () => {
    await using run = await startGateways(1)
    const [first] = run.gateways
    await query(run.databaseUrl, HOLD_CLAIMS)
    const holder = new pg.Client({ connectionString: run.databaseUrl })
    await holder.connect()
    await holder.query(`SELECT pg_advisory_lock(${HELD})`)
    const steps = stagesOf(await first!.tasks.followAll())
    await first!.tasks.create(inputNamed('one'))
    await expect.poll(() => query(run.databaseUrl, WAITING)).toHaveLength(1)
    run.runOn()
    await run.clock.advance(6_000)
    await holder.end()
    await expect.poll(() => steps.seen).toEqual(['queued', 'submitting', 'queued'])
    expect(run.jogg.calls('submit')).toEqual([])
  })

  test('submits without an answer of a lost gateway are looked up, and each is paid once', async () => {
    await using run = await startGateways(0)
    const { clock, jogg, databaseUrl } = run
    const lost = await openTestStore(databaseUrl, clock)
    const tasks: TaskIn<'submitting'>[] = []
    for (const name of ['sent', 'not-sent']) {
      await queue(lost.tasks, newTask({ ...inputNamed(name), caller: 'open', queuedMono: clock.monotonic() }))
      const claim = await lost.tasks.claimNext(claimNow(clock))
      if (claim.kind === 'claimed') tasks.push(claim.task)
    }
    const [sent, notSent] = tasks
    const paid = jogg.jobs.accept(sent!)
    await lost[Symbol.asyncDispose]()
    const { gateway } = await run.open()
    const stages = async () =>
      (await Promise.all(tasks.map(({ id }) => gateway.tasks.get(id)))).map(task => task?.stage)
    await clock.advance(TAKEN_OVER_MS - 1_000)
    expect(await stages()).toEqual(['submitting', 'submitting'])
    await clock.advance(6_000)
    expect(await stages()).not.toContain('submitting')
    await clock.advance(60_000)
    expect(await gateway.tasks.get(sent!.id)).toMatchObject({ stage: 'submitted', upstreamId: paid.taskId })
    expect(await gateway.tasks.get(notSent!.id)).toMatchObject({ stage: 'submitted' })
    expect(jogg.jobs.accepted()).toHaveLength(2)
  })

  test('creates per minute are counted over all', async () => {
    await using run = await startGateways(2, { callerLimits: { createsPerMinute: 10 } })
    await using store = await openKeyStore({ databaseUrl: run.databaseUrl, dataDir: '.' })
    const key = await createKey(store.keys)
    const created = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const response = await fetch(`${run.urls[i % 2]}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${key.text}` },
          body: JSON.stringify({ query: CREATE, variables: { input: inputNamed(`video-${i}`) } }),
        })
        const { data } = (await response.json()) as {
          data: { it: { task: object | null; errors: { code: string }[] } }
        }
        return data.it.task ? 'created' : data.it.errors[0]?.code
      }),
    )
    expect(created.filter(outcome => outcome === 'created')).toHaveLength(10)
    expect(created.filter(outcome => outcome === 'RATE_LIMITED')).toHaveLength(20)
  })

  test('each status check is made by one', async () => {
    await using run = await startGateways(3)
    for (let i = 0; i < 10; i++) await run.gateways[i % 3]!.tasks.create(inputNamed(`video-${i}`))
    await run.clock.advance(60_000)
    const checks = run.jogg.calls('status')
    for (const taskId of new Set(checks.map(check => check.taskId))) {
      const times = checks.filter(check => check.taskId === taskId).map(({ at }) => at)
      const gaps = times.slice(1).map((at, index) => at - times[index]!)
      expect(gaps.length).toBeGreaterThan(4)
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5_000)
      expect(Math.max(...gaps)).toBeLessThanOrEqual(12_500)
    }
    expect(new Set(checks.map(check => check.taskId)).size).toBe(10)
  })

  test('a revoked key closes its sockets on all', async () => {
    await using run = await startGateways(2)
    await using store = await openKeyStore({ databaseUrl: run.databaseUrl, dataDir: '.' })
    const { id, text } = await createKey(store.keys)
    const sockets = await Promise.all(run.urls.map(url => openSocket(url)))
    for (const socket of sockets) {
      socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${text}` } })
      expect(await socket.next()).toMatchObject({ type: 'connection_ack' })
    }
    await store.keys.revoke(id, 1)
    const closed = await Promise.all(sockets.map(socket => socket.closed))
    expect(closed.map(({ reason }) => reason)).toEqual(['Login revoked', 'Login revoked'])
    for (const url of run.urls) {
      const response = await fetch(`${url}/graphql?query={__typename}`, { headers: { 'x-api-key': text } })
      expect(response.status).toBe(401)
    }
  })
})

const TIMEOUT_MS = 10_000
/** When the check of a submit is due: so long after its time limit, the gateway that made it is lost. */
const TAKEN_OVER_MS = TIMEOUT_MS + 30_000
const CREATE =
  'mutation ($input: CreateLipSyncInput!) { it: createLipSync(input: $input) { task { id } errors { code } } }'

/** Makes the commit of each claim wait while the test holds a lock. */
const HELD = 4_711
const HOLD_CLAIMS = `
  CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock_shared(${HELD}); RETURN NULL; END';
  CREATE CONSTRAINT TRIGGER hold AFTER UPDATE ON tasks DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.stage = 'submitting') EXECUTE FUNCTION hold()`
const WAITING = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = ${HELD} AND NOT granted`

/** Claims the next task whatever the window is. */
function claimNow(clock: Clock): ClaimRequest {
  const at = clock.monotonic()
  return {
    window: null,
    copiesAt: null,
    exceptCallers: [],
    waitUntil: () => null,
    attempt: task => ({
      to: advance(task, 'submitting', {
        attemptedAt: clock.now(),
        attemptedMono: at,
        attemptedUpstreamAt: clock.now(),
        sentVideoUrl: null,
        sentAudioUrl: null,
      }),
      step: { at: clock.now(), mono: at, reason: null, poll: pollAt(at + TAKEN_OVER_MS) },
    }),
  }
}

async function createKey(keys: KeyStore) {
  const { id, secret, text } = createApiKey()
  const scopes = ['read', 'create'] as const
  await keys.create({ id, caller: 'acme', hash: hashSecret(secret), scopes, limits: {}, createdAt: 0, expiresAt: null })
  return { id, text }
}

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
