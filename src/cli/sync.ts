import { createWriteStream } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pino } from 'pino'
import { createGateway } from '../create-gateway.js'
import { createGatewayClient, type GatewayClient, type ShownTask } from './gateway-client.js'
import { exitCodeOf, onInterrupt } from './interrupt.js'
import { createTaskProgress } from './task-progress.js'

export interface SyncFlags {
  readonly output: string
  readonly playbackType?: string
  readonly url?: string
  readonly key?: string
  readonly json?: true
}

/** The exit code for a task that failed or was canceled. */
const TASK_FAILED = 3
const WAIT_SECONDS = 2

/** Makes a lip sync from links or local files, and downloads the result. */
export async function sync(video: string, audio: string, flags: SyncFlags): Promise<void> {
  const interrupt = onInterrupt()
  try {
    await using target = await openTarget(flags, interrupt)
    const task = await run(target.client, [video, audio], flags, interrupt)
    if (task.result) await download(task.result.resultUrl, flags.output, interrupt)
    else process.exitCode = TASK_FAILED
    report(task, flags)
  } catch (thrown) {
    if (!interrupt.aborted) throw thrown
    process.exitCode = exitCodeOf(interrupt.reason)
  }
}

/** The gateway at `--url`, or one with the built-in engine that lives as long as the command. */
async function openTarget(
  { url, key }: SyncFlags,
  signal: AbortSignal,
): Promise<AsyncDisposable & { client: GatewayClient }> {
  if (url !== undefined)
    return { client: createGatewayClient({ url, key, signal }), [Symbol.asyncDispose]: async () => {} }
  const dataDir = await mkdtemp(join(tmpdir(), 'lipsync-'))
  const ffmpegPath = process.env.FFMPEG_PATH || undefined
  const log = pino({ level: 'silent' })
  const gateway = await createGateway({ upstream: 'engine', port: 0, dataDir, engine: { ffmpegPath }, log })
  const client = createGatewayClient({ url: await gateway.listen(), key: undefined, signal })
  return {
    client,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function run(
  client: GatewayClient,
  inputs: readonly [string, string],
  { playbackType }: SyncFlags,
  interrupt: AbortSignal,
): Promise<ShownTask> {
  // The result is on the standard output, so the progress is on the other.
  using progress = createTaskProgress(process.stderr)
  const [videoUrl = '', audioUrl = ''] = await Promise.all(
    inputs.map(input => (isLink(input) ? input : client.upload(input))),
  )
  let task = await client.create({
    videoUrl,
    audioUrl,
    ...(playbackType && { playbackType: playbackType.toUpperCase() }),
  })
  while (!isEnded(task)) {
    progress.step(task.stage, task.progress)
    interrupt.throwIfAborted()
    task = await client.task(task.id, WAIT_SECONDS)
  }
  progress.step(task.stage, null)
  return task
}

/** The file appears once it is complete. */
async function download(url: string, output: string, signal: AbortSignal): Promise<void> {
  const { ok, status, body } = await fetch(url, { signal })
  if (!ok || !body) throw new Error(`The result was made and cannot be downloaded: ${url} answered ${status}.`)
  const part = `${output}.part`
  try {
    await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), createWriteStream(part), {
      signal,
    })
    await rename(part, output)
  } finally {
    await rm(part, { force: true })
  }
}

function report(task: ShownTask, { json, output }: SyncFlags): void {
  if (json) console.log(JSON.stringify({ ...task, output: task.result ? output : null }))
  else if (task.result) console.log(output)
  else console.error(`The task ${task.id} has no result: ${task.failure?.message}`)
}

function isEnded({ status }: ShownTask): boolean {
  return status === 'SUCCESS' || status === 'FAILED' || status === 'CANCELED'
}

function isLink(input: string): boolean {
  return /^https?:\/\//i.test(input)
}
