import type { PlaybackType } from '../../../../tasks/task.js'

/** Which source frame an output frame shows. Both are counted from 0. */
export type FrameMap = (outputIndex: number) => number

/**
 * How a source of `sourceFrames` frames is played over `outputFrames` frames. A source that is long enough is played
 * forward and cut, whichever the type. A shorter one
 *
 * - `normal`: is played once and holds its last frame;
 * - `normal_reverse`: goes there and back, 0 … N−1 … 0 …, until the end;
 * - `normal_reverse_by_audio`: goes there and back too, but turns so much earlier that a whole number of trips ends on
 *   frame 0 with the last output frame.
 */
export const createFrameMap = (playback: PlaybackType, sourceFrames: number, outputFrames: number): FrameMap => {
  const last = sourceFrames - 1
  if (playback === 'normal' || last === 0 || sourceFrames >= outputFrames) return index => Math.min(index, last)
  if (playback === 'normal_reverse') return index => last - Math.abs((index % (2 * last)) - last)
  const end = outputFrames - 1
  const trips = Math.ceil(end / (2 * last))
  return index => {
    // In units of 1/trips of a frame, so that whole numbers say exactly how far the nearest visit to frame 0 is.
    const since = (index * trips) % end
    return Math.round(Math.min(since, end - since) / trips)
  }
}
