import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createGateway } from '../../../src/index.js'
import type { Task } from '../../../src/tasks/task.js'

/** Links that the engine refuses to fetch: its jobs end soon. */
const INPUT = { videoUrl: 'http://10.0.0.1/video.mp4', audioUrl: 'http://10.0.0.1/audio.mp3' }

test('the engine takes a job when it can work on it, and the callers take turns', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'engine-turns-'))
  const gateway = await createGateway({ dataDir, upstream: 'engine', engine: { concurrency: 1 }, logLevel: 'silent' })
  const [big, small] = [gateway.tasksOf('big'), gateway.tasksOf('small')]
  await gateway.start()
  const waiting = [await big.create(INPUT), await big.create(INPUT), await big.create(INPUT)]
  for await (const step of await big.follow(waiting[0]!.id)) if (step.task.stage === 'processing') break
  waiting.push(await small.create(INPUT))

  /** Where in the log a task was sent, and where it ended. */
  const stay = async ({ id, caller }: Task) => {
    const tasks = gateway.tasksOf(caller)
    for await (const step of await tasks.follow(id)) if (step.task.stage === 'failed') break
    const seqs = new Map((await tasks.history(id)).map(({ task }) => [task.stage, task.seq]))
    return [seqs.get('submitting')!, seqs.get('failed')!]
  }
  const [first, second, third, theirs] = await Promise.all(waiting.map(stay))
  const inTurn = [first, theirs, second, third].map(each => each!)
  for (const [i, [sent]] of inTurn.entries()) {
    if (i > 0) expect(sent).toBeGreaterThan(inTurn[i - 1]![0]!)
    // The engine may take the next a moment before the end of the last is written down, and no sooner.
    if (i > 1) expect(sent).toBeGreaterThan(inTurn[i - 2]![1]!)
  }
  await gateway[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true })
})
