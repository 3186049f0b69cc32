import type { PlaybackType } from '../../../../tasks/task.js'

/** Returns the source frame that an output frame shows. Both are counted from 0. */
export type FrameMap = (outputIndex: number) => number

/**
 * Maps `outputFrames` output frames to `sourceFrames` source frames. A source that is long enough is played forward and
 * cut, whatever the type. A shorter one is extended:
 *
 * - `normal`: it is played once, and its last frame is held;
 * - `normal_reverse`: it is played forward and backward, 0 … N−1 … 0 …, until the end;
 * - `normal_reverse_by_audio`: likewise, but it turns earlier, so that a whole number of round trips ends on frame 0 with
 *   the last output frame.
 */
export function createFrameMap(playback: PlaybackType, sourceFrames: number, outputFrames: number): FrameMap {
  const last = sourceFrames - 1
  if (playback === 'normal' || last === 0 || sourceFrames >= outputFrames) return index => Math.min(index, last)
  if (playback === 'normal_reverse') return index => last - Math.abs((index % (2 * last)) - last)
  const end = outputFrames - 1
  const trips = Math.ceil(end / (2 * last))
  return index => {
    // In units of 1/trips of a frame, so that the distance to the nearest visit of frame 0 is a whole number.
    const since = (index * trips) % end
    return Math.round(Math.min(since, end - since) / trips)
  }
}
