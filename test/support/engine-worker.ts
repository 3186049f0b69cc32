import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { resolveConfig } from '../../src/config.js'
import type { PlaybackType } from '../../src/tasks/task.js'
import { type JobLimits, jobLimits } from '../../src/upstream/engine/job-limits.js'
import type { Ffmpeg } from '../../src/upstream/engine/worker/ffmpeg/ffmpeg.js'
import { makeLipSync } from '../../src/upstream/engine/worker/make-lip-sync.js'
import type { LipSyncOutcome, WorkerInput } from '../../src/upstream/engine/worker/messages.js'

/** The default limits, some of them changed. */
export function testLimits(changed: Partial<JobLimits> = {}): JobLimits {
  return {
    ...jobLimits(resolveConfig().engine),
    ...changed,
  }
}

export interface LipSyncInputs {
  readonly video: Buffer
  readonly audio: Buffer
  readonly playbackType?: PlaybackType
  readonly limits?: Partial<JobLimits>
}

/** Writes the inputs into a folder, and returns the message for a worker that works there. */
export async function writeWorkerInput(
  folder: string,
  { video, audio, playbackType = 'normal', limits }: LipSyncInputs,
  ffmpegPath: string | null = null,
): Promise<WorkerInput> {
  const at = (name: string) => join(folder, name)
  const work = at('work')
  await mkdir(work, { recursive: true })
  await Promise.all([writeFile(at('video'), video), writeFile(at('audio'), audio)])
  const outputs = { video: join(work, 'lipsync.mp4'), cover: join(work, 'cover.jpg') }
  const files = { videoFile: at('video'), audioFile: at('audio'), folder: work, outputs }
  return { ...files, playbackType, limits: testLimits(limits), ffmpegPath }
}

/** Makes a lip sync in this process and a folder. */
export async function makeIn(
  folder: string,
  ffmpeg: Ffmpeg,
  inputs: LipSyncInputs,
): Promise<LipSyncOutcome & WorkerInput['outputs']> {
  const input = await writeWorkerInput(folder, inputs)
  return { ...(await makeLipSync(input, ffmpeg)), ...input.outputs }
}
