import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createAcmeUpstream } from '../../examples/own-upstream/upstream.js'
import { startTestDriver } from '../support/driver.js'
import { testUpstreamContract } from '../support/upstream-contract.js'

interface AcmeJob {
  id: string
  ref: string
  state: 'waiting' | 'running' | 'done' | 'failed'
  url?: string
  seconds?: number
  reason?: string
}

/** The imaginary vendor of the example, as a real HTTP server. */
async function startAcme() {
  const jobs: AcmeJob[] = []
  let next: 'accept' | 'lose' | 'limit' = 'accept'
  const server = createServer(async (req, res) => {
    const send = (status: number, body: object) => res.writeHead(status).end(JSON.stringify(body))
    const url = new URL(req.url ?? '/', 'http://acme')
    if (req.method === 'POST') {
      const { ref } = (await json(req)) as { ref: string }
      const how = next
      next = 'accept'
      if (how === 'limit') return send(429, { error: 'slow down' })
      const job: AcmeJob = { id: randomUUID(), ref, state: 'waiting' }
      jobs.push(job)
      return how === 'lose' ? req.socket.destroy() : send(201, job)
    }
    const ref = url.searchParams.get('ref')
    if (ref) return send(200, { jobs: jobs.filter(job => job.ref === ref) })
    const job = jobs.find(each => url.pathname === `/jobs/${each.id}`)
    return job ? send(200, job) : send(404, {})
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const change = (id: string, state: Partial<AcmeJob>) => Object.assign(jobs.find(job => job.id === id) ?? {}, state)
  return {
    jobs,
    upstream: createAcmeUpstream({
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      token: 'secret',
    }),
    finish: async (id: string) => change(id, { state: 'done', url: 'https://acme.example/1.mp4', seconds: 12.5 }),
    fail: async (id: string) => change(id, { state: 'failed', reason: 'no face' }),
    loseNextAnswer() {
      next = 'lose'
    },
    limitNextSubmit() {
      next = 'limit'
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

testUpstreamContract('the example', async () => ({
  ...(await startAcme()),
  request: () => ({
    taskId: randomUUID(),
    videoUrl: 'https://media.example/v.mp4',
    audioUrl: 'https://media.example/a.mp3',
    playbackType: 'normal',
  }),
}))

test("a task goes through the example's upstream, is paid once and costs its price", async () => {
  await using acme = await startAcme()
  acme.loseNextAnswer()
  await using t = await startTestDriver({ wrapUpstream: () => acme.upstream })
  const task = await t.create()
  await t.clock.advance(10_000)
  expect(await t.stage(task.id)).toBe('submitted')
  expect(acme.jobs).toHaveLength(1)
  await acme.finish(acme.jobs[0]?.id ?? '')
  await t.clock.advance(20_000)
  expect(await t.store.get(task.id)).toMatchObject({ stage: 'success', costCents: 13 })
})
