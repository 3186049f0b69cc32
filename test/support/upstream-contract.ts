import { expect, test } from 'vitest'
import { type SubmitRequest, type Upstream, UpstreamError, type UpstreamJob } from '../../src/tasks/driver/upstream.js'

/** An upstream under test, and the means to move its jobs and to break its calls. */
export interface UpstreamUnderTest extends AsyncDisposable {
  readonly upstream: Upstream
  /** A request that the upstream accepts; each call returns other inputs. */
  request(): SubmitRequest
  /** Brings a job to a good end. */
  finish(upstreamId: string): Promise<unknown>
  /** Brings a job to a bad end. Absent: the upstream cannot be made to fail a job. */
  fail?(upstreamId: string): Promise<unknown>
  /** Loses the response to the next submit after the job was accepted. Absent: no response can get lost. */
  loseNextAnswer?(): void
  /** Rejects the next submit for a rate limit. */
  limitNextSubmit?(): void
}

const never = new AbortController().signal

/** The rules that the gateway relies on, for any upstream. */
export function testUpstreamContract(name: string, open: () => Promise<UpstreamUnderTest>): void {
  test(`${name}: has a name, a rate limit and whole prices`, async () => {
    await using t = await open()
    expect(t.upstream.name).toMatch(/^[\x21-\x7e]+$/)
    const { submitsPerMinute, priceOf } = t.upstream
    expect(submitsPerMinute === null || (Number.isInteger(submitsPerMinute) && submitsPerMinute > 0)).toBe(true)
    let last = 0
    for (const durationMs of [0, 1, 999, 12_500, 137_500, 3_600_000]) {
      const price = priceOf(durationMs)
      expect(Number.isInteger(price) && price >= last).toBe(true)
      last = price
    }
  })

  test(`${name}: a submitted job is reported until its end`, async () => {
    await using t = await open()
    const upstreamId = await t.upstream.submit(t.request(), never)
    expect(upstreamId).toMatch(/^[\x21-\x7e]{1,200}$/)
    const begun = await t.upstream.getJob(upstreamId, never)
    expect(begun.upstreamId).toBe(upstreamId)
    expect(['pending', 'processing']).toContain(begun.status)
    await t.finish(upstreamId)
    expectSuccess(await t.upstream.getJob(upstreamId, never))
  })

  test(`${name}: a failed job says why`, async () => {
    await using t = await open()
    if (!t.fail) return
    const upstreamId = await t.upstream.submit(t.request(), never)
    await t.fail(upstreamId)
    const job = await t.upstream.getJob(upstreamId, never)
    expect(job).toMatchObject({ status: 'failed', message: expect.stringMatching(/./) })
  })

  test(`${name}: a job that does not exist is not found`, async () => {
    await using t = await open()
    expect(await kindOf(t.upstream.getJob('no-such-job', never))).toBe('not-found')
    const found = t.upstream.findJob?.(t.request(), never)
    if (found) expect(await found).toBeNull()
  })

  test(`${name}: a submit whose answer was lost is unclear, and its job is found by its inputs`, async () => {
    await using t = await open()
    const request = t.request()
    t.loseNextAnswer?.()
    if (t.loseNextAnswer) expect(await kindOf(t.upstream.submit(request, never))).toBe('unclear')
    else await t.upstream.submit(request, never)
    if (t.upstream.findJob)
      expect(await t.upstream.findJob(request, never)).toMatchObject({ upstreamId: expect.any(String) })
  })

  test(`${name}: a submit over the rate limit is certainly not accepted`, async () => {
    await using t = await open()
    if (!t.limitNextSubmit) return
    t.limitNextSubmit()
    const request = t.request()
    expect(await kindOf(t.upstream.submit(request, never))).toBe('rate-limited')
    if (t.upstream.findJob) expect(await t.upstream.findJob(request, never)).toBeNull()
  })

  test(`${name}: an aborted call ends with an UpstreamError`, async () => {
    await using t = await open()
    if (!t.limitNextSubmit) return
    expect(['unclear', 'not-accepted']).toContain(await kindOf(t.upstream.submit(t.request(), AbortSignal.abort())))
  })
}

async function kindOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'resolved'
  } catch (thrown) {
    if (!(thrown instanceof UpstreamError)) throw thrown
    return thrown.kind
  }
}

function expectSuccess(job: UpstreamJob): void {
  if (job.status !== 'success') throw new Error(`the job is ${job.status}`)
  const { resultUrl, durationMs } = job.result
  expect(resultUrl).toMatch(/^(https?:\/\/|\/)/)
  expect(durationMs === null || (Number.isInteger(durationMs) && durationMs > 0)).toBe(true)
}
