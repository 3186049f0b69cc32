import { randomUUID } from 'node:crypto'
import { beforeAll, vi } from 'vitest'
import { startEngine, submitRequestOf } from '../../support/engine.js'
import { clip, holding, serve, tone } from '../../support/engine-media.js'
import { testUpstreamContract } from '../../support/upstream-contract.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }) // Media takes its time on a busy machine.

let video: Buffer
let audio: Buffer
beforeAll(async () => {
  video = await clip()
  audio = await tone(0.4)
})

testUpstreamContract('the engine', async () => {
  const hold = holding()
  const server = await serve({ '/audio': audio, '/video': hold.handler })
  const engine = await startEngine()
  /** A job begins with the download of its video, which waits until the test decides its end. */
  const end = async (taskId: string, file: Buffer | string) => {
    const response = await hold.request()
    response.end(file)
    await engine.ended(taskId)
  }
  return {
    upstream: engine.upstream,
    request: () => submitRequestOf(server.url(`/video?${randomUUID()}`), server.url('/audio')),
    finish: upstreamId => end(upstreamId, video),
    fail: upstreamId => end(upstreamId, 'not a video'),
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
})
