import { join } from 'node:path'
import { inputFailure } from '../job-failure.js'
import { encode } from './encode.js'
import type { Ffmpeg } from './ffmpeg/ffmpeg.js'
import { createFrameMap } from './frames/frame-map.js'
import { frameBytes } from './frames/i420.js'
import { perSecond } from './frames/y4m.js'
import { decodeAudio } from './input/decode-audio.js'
import { decodeVideo } from './input/decode-video.js'
import { sniff } from './input/sniff.js'
import type { LipSyncOutcome, WorkerInput } from './messages.js'
import { prepareMouth } from './mouth/prepare-mouth.js'
import { createProgress } from './progress.js'
import { readSpeech } from './speech/read-speech.js'

/** Follows a job while it runs. */
export interface JobListener {
  audioLength(seconds: number): void
  /** Called at most once a second. @param share 0 to 1, never less than before */
  progress(share: number): void
}

/** Makes the video and its cover. Rejects with a `JobFailure` when the inputs are at fault. */
export async function makeLipSync(input: WorkerInput, ffmpeg: Ffmpeg, listener?: JobListener): Promise<LipSyncOutcome> {
  const { limits, outputs, playbackType, videoFile, audioFile } = input
  const temporary = (name: string) => join(input.folder, name)
  for (const [name, file] of [['video', videoFile] as const, ['audio', audioFile] as const]) {
    const fault = await sniff(file)
    if (fault) throw inputFailure(name, fault)
  }

  const audio = { pcm: temporary('audio.pcm'), speech: temporary('speech.pcm') }
  const seconds = await decodeAudio(ffmpeg, audioFile, audio, limits)
  listener?.audioLength(seconds)
  using video = await decodeVideo(ffmpeg, videoFile, temporary('video.i420'), { ...limits, seconds })

  const fps = perSecond(video.fps)
  const frames = Math.max(1, Math.round(seconds * fps))
  const sourceIndexOf = createFrameMap(playbackType, video.spool.frames, frames)
  const frameMap = Array.from({ length: frames }, (_, outputIndex) => sourceIndexOf(outputIndex))
  const progress = createProgress(share => listener?.progress(share))
  progress.decoded()
  const source = new Uint8Array(frameBytes(video))
  const mouth = await prepareMouth({
    ...{ width: video.width, height: video.height, fps, frameMap },
    speech: readSpeech(audio.speech),
    readFrame(index) {
      video.spool.read(index, source)
      return source
    },
    onProgress: progress.tracked,
  })
  await encode(ffmpeg, {
    format: video,
    colours: video.colours,
    frames,
    audio: audio.pcm,
    ...outputs,
    drawFrame(outputIndex, frame) {
      const sourceIndex = frameMap[outputIndex]!
      video.spool.read(sourceIndex, frame)
      mouth.paint(frame, sourceIndex, outputIndex)
      progress.drawn((outputIndex + 1) / frames)
    },
  })
  const durationMs = Math.round(Math.max(frames / fps, seconds) * 1000)
  return { durationMs, animation: mouth.animation, animatedShare: mouth.animatedShare }
}
