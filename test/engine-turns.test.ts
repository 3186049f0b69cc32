import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createGateway } from '../src/index.js'
import type { Task } from '../src/tasks/task.js'

/** Links that the engine refuses to fetch: its jobs end soon. */
const INPUT = { videoUrl: 'http://10.0.0.1/video.mp4', audioUrl: 'http://10.0.0.1/audio.mp3' }

test('the engine takes a job when it can work on it, and the callers take turns', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'engine-turns-'))
  const gateway = await createGateway({ dataDir, upstream: 'local', mediaConcurrency: 1, logLevel: 'silent' })
  const [big, small] = [gateway.tasksOf('big'), gateway.tasksOf('small')]
  await gateway.start()
  const waiting = [await big.create(INPUT), await big.create(INPUT), await big.create(INPUT), await small.create(INPUT)]

  const sentAt = async ({ id, caller }: Task) => {
    const tasks = gateway.tasksOf(caller)
    for await (const step of await tasks.follow({ id })) if (step.stage === 'failed') break
    const history = await tasks.history(id)
    return history.find(({ task }) => task.stage === 'submitting')!.task.seq
  }
  const [first, second, third, theirs] = await Promise.all(waiting.map(sentAt))
  expect([first, theirs, second, third]).toEqual([first, theirs, second, third].sort((a, b) => a! - b!))
  await gateway[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true })
})
