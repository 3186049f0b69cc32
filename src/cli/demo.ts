import { mkdtempSync, rmSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { createGateway } from '../create-gateway.js'
import { type DemoTask, openDemoClient } from './demo-client.js'
import { exitCodeOf, onInterrupt } from './interrupt.js'
import { createTaskProgress } from './task-progress.js'

/** Makes one lip sync of the bundled sample with a gateway of its own, and shows it as a client sees it. */
export async function demo(): Promise<void> {
  const interrupt = onInterrupt()
  const folder = mkdtempSync(join(tmpdir(), 'lipsync-demo-'))
  let keep = false
  // Removes an unfinished folder however the demo ends, also at once by a second signal.
  process.once('exit', () => keep || rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  try {
    const task = await makeLipSync(folder, interrupt)
    keep = true
    if (!task.result) throw new Error(`The task failed: ${task.failure?.message}\nThe gateway's log: ${logOf(folder)}`)
    await rm(logOf(folder))
    console.log(`
  video     ${join(folder, VIDEO)}
  cover     ${join(folder, COVER)}
  duration  ${task.result.durationSeconds} s
  mouth     ${task.result.animation}: moved in ${Math.round(100 * task.result.animatedShare)} % of the frames`)
  } catch (thrown) {
    if (!interrupt.aborted) throw thrown
    console.log('Interrupted. The files of this run were removed.')
    process.exitCode = exitCodeOf(interrupt.reason)
  }
}

const VIDEO = 'lipsync.mp4'
const COVER = 'cover.jpg'

/** Takes a task from its creation to its files in `folder`. Rejects when interrupted. */
async function makeLipSync(folder: string, interrupt: AbortSignal): Promise<DemoTask> {
  const dataDir = join(folder, 'data')
  const log = pino({ base: null }, pino.destination({ dest: logOf(folder), sync: true }))
  const ffmpegPath = process.env.FFMPEG_PATH || undefined
  await using gateway = await createGateway({ upstream: 'engine', port: 0, dataDir, engine: { ffmpegPath }, log })
  const url = await gateway.listen()
  using client = openDemoClient(url, interrupt)
  using progress = createTaskProgress(process.stdout)

  progress.print(`The gateway serves ${url}/graphql during the demo, with the built-in engine.`)
  const created = await client.create(`${url}/media/sample/presenter.mp4`, `${url}/media/sample/speech.m4a`)
  progress.print(`Task ${created.id}\n`)
  let task = created
  for await (task of client.follow(created.id)) progress.step(task.stage, task.progress)
  interrupt.throwIfAborted()

  if (task.result) {
    await download(task.result.resultUrl, join(folder, VIDEO), interrupt)
    await download(task.result.coverUrl, join(folder, COVER), interrupt)
  }
  await gateway[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true })
  return task
}

async function download(url: string, file: string, signal: AbortSignal): Promise<void> {
  const { ok, status, body } = await fetch(url, { signal })
  if (!ok || !body) throw new Error(`${url} returned status ${status}`)
  await writeFile(file, body, { signal })
}

function logOf(folder: string): string {
  return join(folder, 'gateway.log')
}
