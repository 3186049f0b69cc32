import { inputFailure } from '../../job-failure.js'
import { type Ffmpeg, QUIET } from '../ffmpeg/ffmpeg.js'
import { type Colour, colourOf } from '../frames/colour-tags.js'
import { workingRate } from '../frames/frame-rate.js'
import { createSpool, type Spool } from '../frames/frame-spool.js'
import { createY4mReader, frameBytes, perSecond, type Rate, type VideoFormat } from '../frames/y4m.js'
import { judge } from './diagnose-decode.js'
import { source } from './untrusted-source.js'

/** A decoded video: every frame upright, with square pixels, even sides and one steady rate. */
export interface DecodedVideo extends VideoFormat, Disposable {
  readonly spool: Spool
  readonly colour: Colour
}

export interface VideoLimits {
  /** No frame past this time is decoded. */
  readonly seconds: number
  readonly pixels: number
  /** The largest spool, in bytes. */
  readonly spoolBytes: number
}

/** Square pixels and even sides, as I420 wants them; for most videos this changes nothing. */
const SHAPE = "scale='max(2,trunc(iw*sar/2)*2)':'max(2,trunc(ih/2)*2)',setsar=1"

/** How much larger than allowed a picture may be for FFmpeg to try it: it counts the padding of some codecs too. */
const MARGIN = 2

interface SourceRate {
  /** That is worked at. */
  readonly rate: Rate
  /** How long the source shows a frame, in seconds. */
  readonly frameSeconds: number
}

/** Thrown out of a run to begin again at another rate, as soon as the source's own is known. */
class OtherRate extends Error {
  override readonly name = 'OtherRate'
  readonly other: SourceRate
  constructor(other: SourceRate) {
    super('The source has another frame rate')
    this.other = other
  }
}

/** Decodes the first video track of a file to a spool at `path`, as far as it is needed. */
export const decodeVideo = async (
  ffmpeg: Ffmpeg,
  from: string,
  path: string,
  limits: VideoLimits,
): Promise<DecodedVideo> => {
  try {
    return await decodeAt(null, ffmpeg, from, path, limits)
  } catch (error) {
    if (!(error instanceof OtherRate)) throw error
    return await decodeAt(error.other, ffmpeg, from, path, limits)
  }
}

const decodeAt = async (
  other: SourceRate | null,
  ffmpeg: Ffmpeg,
  from: string,
  path: string,
  limits: VideoLimits,
): Promise<DecodedVideo> => {
  let video = null as Omit<DecodedVideo, 'colour'> | null // Set by a callback, which the compiler cannot follow.
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
  const pixels = String(limits.pixels * MARGIN)
  const shape = ['-map', '0:V:0', '-vf', SHAPE, ...lengthArgs(limits.seconds, other)]
  const format = ['-f', 'yuv4mpegpipe', '-pix_fmt', 'yuv420p']
  try {
    const run = await ffmpeg.run([...QUIET, ...source(from, '-max_pixels', pixels), ...shape, ...format, 'pipe:1'], {
      write,
    })
    const seconds = video ? lengthOf(video) : 0
    const fault = judge(run, { track: 'video', seconds, neededSeconds: limits.seconds })
    if (fault || !video) throw inputFailure('video', fault ?? 'it has no frames')
    return { ...video, colour: colourOf(run) }
  } catch (error) {
    video?.[Symbol.dispose]()
    throw error
  }
}

/** A frame is shown until the next comes: where there are few, the one past the end has to be seen as well. */
const lengthArgs = (seconds: number, other: SourceRate | null): string[] => {
  if (!other) return ['-t', String(seconds)]
  const { rate, frameSeconds } = other
  const frames = Math.ceil(seconds * perSecond(rate)) + 1
  return ['-t', String(seconds + frameSeconds), '-r', `${rate.num}/${rate.den}`, '-frames:v', String(frames)]
}

const openVideo = (format: VideoFormat, path: string, pixels: number): Omit<DecodedVideo, 'colour'> => {
  const { width, height } = format
  if (width * height > pixels) throw inputFailure('video', `${width}x${height} is too large, at most ${pixels} pixels`)
  const spool = createSpool(path, frameBytes(format))
  return { ...format, spool, [Symbol.dispose]: spool[Symbol.dispose] }
}

const lengthOf = ({ spool, fps }: Pick<DecodedVideo, 'spool' | 'fps'>): number => spool.frames / perSecond(fps)
