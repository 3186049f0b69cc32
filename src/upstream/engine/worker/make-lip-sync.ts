import { copyFile, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { PlaybackType, Result } from '../../../tasks/task.js'
import { fetchToFile } from '../fetch-to-file.js'
import { type InputName, inputFailure } from '../job-failure.js'
import type { Limits } from '../job-limits.js'
import { encode } from './encode.js'
import type { Ffmpeg } from './ffmpeg/ffmpeg.js'
import { createFrameMap } from './frames/frame-map.js'
import { frameBytes, perSecond } from './frames/y4m.js'
import { decodeAudio } from './input/decode-audio.js'
import { decodeVideo } from './input/decode-video.js'
import { sniff } from './input/sniff.js'
import { prepareMouth } from './mouth/prepare-mouth.js'
import { createProgress } from './progress.js'
import { readSpeech, SPEECH_RATE } from './speech/read-speech.js'

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

/** What is told of a result beside where it lies. */
export type Made = Omit<Result, 'resultUrl' | 'coverUrl'>

/** Who is told how a job goes. */
export interface JobListener {
  audioLength(seconds: number): void
  /** At most once a second. @param share 0 to 1, never less than before */
  progress(share: number): void
}

/** Makes the video in the job's folder. Rejects with a `JobFailure` for a caller. */
export const makeLipSync = async (order: JobOrder, ffmpeg: Ffmpeg, listener?: JobListener): Promise<Made> => {
  const { folder, limits } = order
  const inside = (name: string) => join(folder, name)
  await mkdir(folder, { recursive: true })
  await Promise.all([
    bring('video', order.video, inside('video.source'), order),
    bring('audio', order.audio, inside('audio.source'), order),
  ])

  const audio = inside('audio.pcm')
  const seconds = await decodeAudio(ffmpeg, inside('audio.source'), audio, limits.durationSeconds)
  listener?.audioLength(seconds)
  using video = await decodeVideo(ffmpeg, inside('video.source'), inside('video.i420'), { ...limits, seconds })

  const fps = perSecond(video.fps)
  const frames = Math.max(1, Math.round(seconds * fps))
  const sourceIndexOf = createFrameMap(order.playbackType, video.spool.frames, frames)
  const frameMap = Array.from({ length: frames }, (_, outputIndex) => sourceIndexOf(outputIndex))
  const progress = createProgress(share => listener?.progress(share))
  progress.decoded()
  const source = new Uint8Array(frameBytes(video))
  const mouth = await prepareMouth({
    ...{ width: video.width, height: video.height, fps, frameMap },
    ...{ pcm: readSpeech(audio), sampleRate: SPEECH_RATE },
    readFrame(index) {
      video.spool.read(index, source)
      return source
    },
    onProgress: progress.tracked,
  })
  await encode(ffmpeg, {
    format: video,
    colour: video.colour,
    frames,
    audio,
    video: inside(OUTPUTS.video),
    cover: inside(OUTPUTS.cover),
    drawFrame(outputIndex, frame) {
      const sourceIndex = frameMap[outputIndex]!
      video.spool.read(sourceIndex, frame)
      mouth.paint(frame, sourceIndex, outputIndex)
      progress.drawn((outputIndex + 1) / frames)
    },
  })
  const durationMs = Math.round(Math.max(frames / fps, seconds) * 1000)
  return { durationMs, animation: mouth.face, animatedShare: mouth.animatedShare }
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
