/** What the header of a YUV4MPEG2 stream says. */
export interface VideoFormat {
  readonly width: number
  readonly height: number
  readonly fps: Rate
}

/** Frames per second as a fraction: 30000/1001 has no decimal form. */
export interface Rate {
  readonly num: number
  readonly den: number
}

export const perSecond = ({ num, den }: Rate): number => num / den

/** The size of one I420 frame: a full plane of luma and two planes of half the width and height. */
export const frameBytes = ({ width, height }: Pick<VideoFormat, 'width' | 'height'>): number => (width * height * 3) / 2

interface Receiver {
  format(format: VideoFormat): void
  /** The frame is only valid during the call. */
  frame(frame: Uint8Array): void
}

const NEWLINE = 0x0a
const MARKER = 'FRAME'

/**
 * Takes a YUV4MPEG2 stream of I420 frames apart, however it is cut into chunks. It is a text line with the format, then
 * for each frame a line that begins with FRAME, and the frame.
 *
 * @see https://wiki.multimedia.cx/index.php/YUV4MPEG2
 */
export const createY4mReader = (to: Receiver) => {
  let line = ''
  let frame: Uint8Array | null = null
  let filled = -1 // -1: in a text line

  const endLine = () => {
    if (frame === null) {
      const format = parseHeader(line)
      frame = new Uint8Array(frameBytes(format))
      to.format(format)
    } else if (!line.startsWith(MARKER)) throw new Error('A frame is missing its marker')
    else filled = 0
    line = ''
  }

  return (chunk: Uint8Array): void => {
    let at = 0
    while (at < chunk.length) {
      if (frame === null || filled < 0) {
        const byte = chunk[at++]!
        if (byte === NEWLINE) endLine()
        else line += String.fromCharCode(byte)
        continue
      }
      const part = chunk.subarray(at, at + frame.length - filled)
      frame.set(part, filled)
      filled += part.length
      at += part.length
      if (filled === frame.length) {
        to.frame(frame)
        filled = -1
      }
    }
  }
}

const parseHeader = (line: string): VideoFormat => {
  const field = (pattern: RegExp) => pattern.exec(line)?.slice(1).map(Number)
  const [width] = field(/ W(\d+)/) ?? []
  const [height] = field(/ H(\d+)/) ?? []
  const [num, den] = field(/ F(\d+):(\d+)/) ?? []
  if (!width || !height || !num || !den || !/ C420/.test(line)) throw new Error(`Not an I420 stream: ${line}`)
  return { width, height, fps: { num, den } }
}
