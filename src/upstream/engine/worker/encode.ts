import { type Ffmpeg, type FfmpegArg, QUIET, readFrom, writeTo } from './ffmpeg/ffmpeg.js'
import { type ColourTags, colourFilter } from './frames/colour-tags.js'
import { frameBytes } from './frames/i420.js'
import type { VideoFormat } from './frames/y4m.js'
import { PCM_ARGS } from './input/decode-audio.js'

export interface Output {
  readonly format: VideoFormat
  readonly colours: ColourTags
  /** The number of frames. */
  readonly frames: number
  /** Fills the buffer with an output frame. Called once for each frame, in order. */
  drawFrame(outputIndex: number, frame: Uint8Array): void
  /** The PCM file of the sound. */
  readonly audio: string
  /** Where the MP4 is written. */
  readonly video: string
  /** Where the JPEG is written. */
  readonly cover: string
}

/** Metadata that identifies the file as synthetic. */
const MARK = 'Synthetic: lip-synced by lipsync-gateway'

const H264 = ['-c:v', 'libx264', '-threads', '1', '-preset', 'veryfast', '-crf', '20', '-pix_fmt', 'yuv420p']
/** Optimised Huffman tables need more stack than the WebAssembly build has. */
const JPEG = ['-c:v', 'mjpeg', '-q:v', '3', '-huffman', 'default', '-pix_fmt', 'yuvj420p']
const AAC = ['-c:a', 'aac', '-b:a', '128k']

/** Draws and encodes all output frames with the audio: H.264 and AAC in an MP4 that can be played while it loads. */
export async function encode(ffmpeg: Ffmpeg, output: Output): Promise<void> {
  const { width, height, fps } = output.format
  const args: FfmpegArg[] = [
    ...QUIET,
    ...['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-video_size', `${width}x${height}`],
    ...['-framerate', `${fps.num}/${fps.den}`, '-i', 'pipe:0'],
    ...[...PCM_ARGS, '-i', readFrom(output.audio)],
    ...['-map', '0:v', '-map', '1:a', '-vf', colourFilter(output.colours), ...H264, ...AAC],
    ...['-movflags', '+faststart', '-metadata', `comment=${MARK}`, '-f', 'mp4', writeTo(output.video)],
    ...['-map', '0:v', '-vf', colourFilter(output.colours), '-frames:v', '1', ...JPEG],
    ...['-f', 'image2', '-update', '1', writeTo(output.cover)],
  ]
  const { exitCode, log } = await ffmpeg.run(args, { read: createFrameReader(output) })
  if (exitCode !== 0) throw new Error(`FFmpeg could not encode:\n${log.slice(-10).join('\n')}`)
}

/** Returns the output frames as one stream of bytes. A frame is drawn when its first byte is read. */
function createFrameReader({ format, frames, drawFrame }: Output): (into: Uint8Array) => number {
  const bytesPerFrame = frameBytes(format)
  const frame = new Uint8Array(bytesPerFrame)
  let drawn = 0
  let at = bytesPerFrame
  return into => {
    let filled = 0
    while (filled < into.length) {
      if (at === bytesPerFrame) {
        if (drawn === frames) break
        drawFrame(drawn++, frame)
        at = 0
      }
      const part = frame.subarray(at, at + into.length - filled)
      into.set(part, filled)
      at += part.length
      filled += part.length
    }
    return filled
  }
}
