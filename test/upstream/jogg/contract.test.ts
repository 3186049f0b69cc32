import { randomUUID } from 'node:crypto'
import { rateLimited, resets } from '../../support/jogg.js'
import { job, startJoggClient } from '../../support/jogg-client.js'
import { testUpstreamContract } from '../../support/upstream-contract.js'

testUpstreamContract('JoggAI', async () => {
  const t = await startJoggClient()
  return {
    upstream: t.upstream,
    request: () => ({ ...job, taskId: randomUUID(), videoUrl: `https://cdn.example/${randomUUID()}.mp4` }),
    finish: async upstreamId => t.jogg.finish(upstreamId),
    fail: async upstreamId => t.jogg.fail(upstreamId, 'no face'),
    loseNextAnswer: () => t.jogg.plays(resets('submit', { accepting: true })),
    limitNextSubmit: () => t.jogg.plays(rateLimited('submit', 7)),
    [Symbol.asyncDispose]: t[Symbol.asyncDispose],
  }
})
