import { copyFile, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { PlaybackType } from '../../../tasks/task.js'
import type { Ffmpeg } from '../ffmpeg/ffmpeg.js'
import type { Limits } from '../limits.js'
import { decodeAudio } from './decode-audio.js'
import { decodeVideo } from './decode-video.js'
import { encode } from './encode.js'
import { type InputName, inputFailure } from './failure.js'
import { fetchToFile } from './fetch.js'
import { createFrameMap } from './frame-map.js'
import { sniff } from './sniff.js'
import { perSecond } from './y4m.js'

/** All that a job's process is told. */
export interface JobOrder {
  readonly video: InputSource
  readonly audio: InputSource
  readonly playbackType: PlaybackType
  /** The job's own folder: inputs, spools and outputs lie there. */
  readonly folder: string
  readonly limits: Limits
  readonly allowedHosts: readonly string[]
  /** The native FFmpeg to use in place of the WebAssembly one. */
  readonly ffmpegPath: string | null
}

/** Where an input comes from: a URL, or a file of this host for a URL that the gateway itself serves. */
export type InputSource = { readonly url: string } | { readonly file: string }

/** What a job leaves in its folder. */
export const OUTPUTS = { video: 'lipsync.mp4', cover: 'cover.jpg' } as const

/** Makes the video in the job's folder and answers its length in milliseconds. Rejects with a `JobFailure` for a caller. */
export const makeLipSync = async (
  order: JobOrder,
  ffmpeg: Ffmpeg,
  onAudioLength: (seconds: number) => void,
): Promise<number> => {
  const { folder, limits } = order
  const inside = (name: string) => join(folder, name)
  await mkdir(folder, { recursive: true })
  await Promise.all([
    bring('video', order.video, inside('video.source'), order),
    bring('audio', order.audio, inside('audio.source'), order),
  ])

  const audio = inside('audio.pcm')
  const seconds = await decodeAudio(ffmpeg, inside('audio.source'), audio, limits.durationSeconds)
  onAudioLength(seconds)
  using video = await decodeVideo(ffmpeg, inside('video.source'), inside('video.i420'), { ...limits, seconds })

  const fps = perSecond(video.fps)
  const frames = Math.max(1, Math.round(seconds * fps))
  const sourceIndexOf = createFrameMap(order.playbackType, video.spool.frames, frames)
  await encode(ffmpeg, {
    format: video,
    colour: video.colour,
    frames,
    audio,
    video: inside(OUTPUTS.video),
    cover: inside(OUTPUTS.cover),
    drawFrame(outputIndex, frame) {
      const sourceIndex = sourceIndexOf(outputIndex)
      video.spool.read(sourceIndex, frame)
    },
  })
  return Math.round(Math.max(frames / fps, seconds) * 1000)
}

const bring = async (input: InputName, source: InputSource, path: string, order: JobOrder): Promise<void> => {
  const { limits, allowedHosts } = order
  if ('url' in source) await fetchToFile(input, source.url, path, { ...limits, allowedHosts })
  else {
    const { size } = await stat(source.file).catch(() => {
      throw inputFailure(input, 'the gateway has no such file')
    })
    if (size > limits.inputBytes) throw inputFailure(input, `the file is larger than ${limits.inputBytes / 1e6} MB`)
    await copyFile(source.file, path)
  }
  const fault = await sniff(path)
  if (fault) throw inputFailure(input, fault)
}
