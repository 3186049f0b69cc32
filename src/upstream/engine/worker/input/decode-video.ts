import { inputFailure } from '../../job-failure.js'
import { type Ffmpeg, QUIET } from '../ffmpeg/ffmpeg.js'
import { type ColourTags, readColourTags } from '../frames/colour-tags.js'
import { workingRate } from '../frames/frame-rate.js'
import { createFrameSpool, type FrameSpool } from '../frames/frame-spool.js'
import { frameBytes } from '../frames/i420.js'
import { createY4mReader, perSecond, type Rate, type VideoFormat } from '../frames/y4m.js'
import { diagnoseDecode } from './diagnose-decode.js'
import { untrustedSource } from './untrusted-source.js'

/** A decoded video: all frames are upright, have square pixels and even sides, and come at a steady rate. */
export interface DecodedVideo extends VideoFormat, Disposable {
  readonly spool: FrameSpool
  readonly colours: ColourTags
}

export interface VideoLimits {
  /** Frames after this time are not decoded. */
  readonly seconds: number
  readonly pixels: number
  /** The largest spool, in bytes. */
  readonly spoolBytes: number
}

/**
 * Makes the pixels square and the sides even, as I420 needs them. Most videos are not changed: pixels that are square
 * within 1 % are taken for square, since the ratio often comes from a rounded size.
 */
const RATIO = 'if(lt(abs(sar-1),0.01),1,sar)'
const SHAPE = `scale='max(2,trunc(iw*${RATIO}/2)*2)':'max(2,trunc(ih/2)*2)',setsar=1`

interface SourceRate {
  /** The rate of the output. */
  readonly rate: Rate
  /** How long the source shows a frame, in seconds. */
  readonly frameSeconds: number
}

/** Thrown out of a run to start again at another rate, as soon as the rate of the source is known. */
class OtherRate extends Error {
  override readonly name = 'OtherRate'
  readonly other: SourceRate
  constructor(other: SourceRate) {
    super('The source has another frame rate')
    this.other = other
  }
}

/** Decodes as much of the first video track as is needed to a spool at `path`. */
export async function decodeVideo(
  ffmpeg: Ffmpeg,
  from: string,
  path: string,
  limits: VideoLimits,
): Promise<DecodedVideo> {
  try {
    return await decodeAt(null, ffmpeg, from, path, limits)
  } catch (error) {
    if (!(error instanceof OtherRate)) throw error
    return await decodeAt(error.other, ffmpeg, from, path, limits)
  }
}

async function decodeAt(
  other: SourceRate | null,
  ffmpeg: Ffmpeg,
  from: string,
  path: string,
  limits: VideoLimits,
): Promise<DecodedVideo> {
  let video = null as Omit<DecodedVideo, 'colours'> | null // Set by a callback, which the compiler cannot follow.
  const write = createY4mReader({
    format(format) {
      const wanted = workingRate(format.fps)
      const fps = perSecond(format.fps)
      if (!other && perSecond(wanted) !== fps) throw new OtherRate({ rate: wanted, frameSeconds: 1 / fps })
      video = openVideo(format, path, limits.pixels)
    },
    frame(frame) {
      if (!video) return
      if ((video.spool.frames + 1) * frame.length > limits.spoolBytes) {
        throw inputFailure('video', `its frames need more than ${limits.spoolBytes / 1e9} GB of temporary space`)
      }
      video.spool.append(frame)
    },
  })
  const shape = ['-map', '0:V:0', '-vf', SHAPE, ...lengthArgs(limits.seconds, other)]
  const format = ['-f', 'yuv4mpegpipe', '-pix_fmt', 'yuv420p']
  try {
    const source = untrustedSource(from, limits.pixels)
    const run = await ffmpeg.run([...QUIET, ...source, ...shape, ...format, 'pipe:1'], { write })
    const seconds = video ? lengthOf(video) : 0
    const fault = diagnoseDecode(run, { track: 'video', seconds, neededSeconds: limits.seconds })
    if (fault || !video) throw inputFailure('video', fault ?? 'it has no frames')
    return { ...video, colours: readColourTags(run) }
  } catch (error) {
    video?.[Symbol.dispose]()
    throw error
  }
}

/** A frame is shown until the next one. Where frames are rare, the one after the end has to be decoded as well. */
function lengthArgs(seconds: number, other: SourceRate | null): string[] {
  if (!other) return ['-t', String(seconds)]
  const { rate, frameSeconds } = other
  const frames = Math.ceil(seconds * perSecond(rate)) + 1
  return ['-t', String(seconds + frameSeconds), '-r', `${rate.num}/${rate.den}`, '-frames:v', String(frames)]
}

function openVideo(format: VideoFormat, path: string, pixels: number): Omit<DecodedVideo, 'colours'> {
  const { width, height } = format
  if (width * height > pixels) throw inputFailure('video', `${width}x${height} is too large, at most ${pixels} pixels`)
  const spool = createFrameSpool(path, frameBytes(format))
  return { ...format, spool, [Symbol.dispose]: spool[Symbol.dispose] }
}

function lengthOf({ spool, fps }: Pick<DecodedVideo, 'spool' | 'fps'>): number {
  return spool.frames / perSecond(fps)
}
