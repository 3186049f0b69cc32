import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { hangs, resets, stalls, startJogg } from '../../support/jogg.js'
import { job, settled, startJoggClient } from '../../support/jogg-client.js'

describe('a connection', () => {
  test('that is refused has sent nothing', async () => {
    const gone = await startJogg()
    await gone[Symbol.asyncDispose]()
    await using t = await startJoggClient({ baseUrl: gone.url })
    for (const call of [t.submit, t.getJob, t.findJob])
      expect(await call()).toEqual({
        kind: 'not-accepted',
        message: expect.stringMatching(/^.+ could not be sent: .*ECONNREFUSED/),
      })
  })

  test('to a name that does not exist, or without TLS at the other end, has sent nothing', async () => {
    await using unnamed = await startJoggClient({ baseUrl: `http://${'a'.repeat(64)}.example` })
    expect(await unnamed.submit()).toMatchObject({ kind: 'not-accepted' })
    await using jogg = await startJogg()
    await using plain = await startJoggClient({ baseUrl: jogg.url.replace('http:', 'https:') })
    expect(await plain.submit()).toMatchObject({ kind: 'not-accepted' })
    expect(jogg.requests).toHaveLength(0)
  })

  test('that is never made times out, and has sent nothing', async () => {
    const silent = createServer()
    const connected = new Promise<void>(resolve => silent.once('connection', () => resolve()))
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const { port } = Object(silent.address())
    await using t = await startJoggClient({ baseUrl: `https://127.0.0.1:${port}` })
    const submit = t.submit()
    await connected
    await t.clock.advance(10_000)
    expect(await submit).toEqual({ kind: 'not-accepted', message: 'submit timed out after 10 s before it was sent' })
    silent.close()
  })

  test('is kept for status calls, and a status call whose connection is lost is not repeated', async () => {
    await using t = await startJoggClient()
    t.jogg.jobs.accept(job, 'up-1')
    for (let looks = 0; looks < 10; looks++) await t.getJob()
    // A connection is free again one turn after its answer, so that two take turns.
    expect(t.jogg.connections()).toBeLessThanOrEqual(2)
    t.jogg.plays(resets('status'))
    expect(await t.getJob()).toEqual({
      kind: 'unclear',
      message: expect.stringMatching(/^status call lost its answer: /),
    })
    expect(t.jogg.calls('status')).toHaveLength(11)
    expect(await t.getJob()).toMatchObject({ status: 'pending' })
  })

  test('is new for each submit', async () => {
    await using t = await startJoggClient()
    for (const count of [1, 2, 3]) {
      await t.submit()
      expect(t.jogg.connections()).toBe(count)
    }
  })
})

describe('the time limit', () => {
  test.each([{ accepting: false }, { accepting: true }])('ends a call that hangs (%o)', async moment => {
    await using t = await startJoggClient()
    t.jogg.plays(hangs('submit', moment), hangs('status'), hangs('find'))
    const submit = t.submit()
    await t.jogg.holding()
    await t.clock.advance(9_999)
    await t.clock.advance(1)
    expect(await submit).toEqual({ kind: 'unclear', message: 'submit timed out after 10 s' })
    expect(t.jogg.jobs.accepted(job)).toHaveLength(moment.accepting ? 1 : 0)
    expect(t.jogg.calls('submit')).toHaveLength(1)
  })

  test('is the one that was set, and does not end a call before', async () => {
    await using t = await startJoggClient({ timeoutMs: 2_500 })
    t.jogg.plays(hangs('status'), hangs('find'))
    const look = t.getJob()
    await t.jogg.holding()
    await t.clock.advance(2_499)
    t.jogg.release()
    expect(await look).toMatchObject({ kind: 'not-found' })
    const find = t.findJob()
    await t.jogg.holding()
    await t.clock.advance(2_500)
    expect(await find).toEqual({ kind: 'unclear', message: 'look-up timed out after 2.5 s' })
  })

  test('counts the body too', async () => {
    await using t = await startJoggClient()
    t.jogg.plays(stalls('submit'))
    const submit = t.submit()
    await t.jogg.received('submit')
    await t.clock.advance(10_000)
    expect(await submit).toEqual({ kind: 'unclear', message: 'submit timed out after 10 s' })
  })
})

describe('stopping', () => {
  test('ends a call under way, and lets none begin', async () => {
    await using t = await startJoggClient()
    t.jogg.plays(hangs('submit'))
    const stopping = new AbortController()
    const submit = settled(t.upstream.submit(job, stopping.signal))
    await t.jogg.holding()
    stopping.abort()
    expect(await submit).toEqual({ kind: 'unclear', message: 'submit was stopped' })
    const late = settled(t.upstream.submit(job, stopping.signal))
    expect(await late).toEqual({ kind: 'not-accepted', message: 'submit was stopped before it was sent' })
    expect(t.jogg.requests).toHaveLength(1)
  })

  test('a submit stopped while it waits for its connection does not leave when the connection is there', async () => {
    await using t = await startJoggClient()
    const stopping = new AbortController()
    const stopped = settled(t.upstream.submit(job, stopping.signal))
    stopping.abort()
    expect(await stopped).toEqual({ kind: 'not-accepted', message: 'submit was stopped before it was sent' })
    // The pool connects in order: when the second has its answer, the first has had its connection.
    await t.submit()
    expect(t.jogg.calls('submit')).toHaveLength(1)
  })

  test('disposing ends what is under way, and nothing is sent afterwards', async () => {
    await using t = await startJoggClient()
    t.jogg.plays(hangs('submit'))
    const submit = t.submit()
    await t.jogg.holding()
    await t.upstream[Symbol.asyncDispose]()
    expect(await submit).toMatchObject({ kind: 'unclear' })
    expect(await t.submit()).toMatchObject({ kind: 'not-accepted' })
    expect(t.jogg.requests).toHaveLength(1)
  })
})
