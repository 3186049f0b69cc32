import { frameBytes } from './i420.js'

/** The header of a YUV4MPEG2 stream. */
export interface VideoFormat {
  readonly width: number
  readonly height: number
  readonly fps: Rate
}

/** Frames per second as a fraction, since 30000/1001 has no exact decimal form. */
export interface Rate {
  readonly num: number
  readonly den: number
}

export function perSecond({ num, den }: Rate): number {
  return num / den
}

interface Receiver {
  /** Called before memory for a frame is allocated. Throwing here refuses the stream. */
  format(format: VideoFormat): void
  /** The frame is only valid during the call. */
  frame(frame: Uint8Array): void
}

const NEWLINE = 0x0a
const MARKER = 'FRAME'
/** Longer text lines do not occur in a valid stream. */
const MAX_LINE = 1_000

/**
 * Parses a YUV4MPEG2 stream of I420 frames that arrives in chunks of any size: a text line with the format, then for
 * each frame a line that begins with FRAME, and the frame.
 *
 * @see https://wiki.multimedia.cx/index.php/YUV4MPEG2
 */
export function createY4mReader(to: Receiver): (chunk: Uint8Array) => void {
  let line = ''
  let frame: Uint8Array | null = null
  let filled = -1 // -1: in a text line

  function endLine(): void {
    if (frame === null) {
      const format = parseHeader(line)
      to.format(format)
      frame = new Uint8Array(frameBytes(format))
    } else if (!line.startsWith(MARKER)) throw new Error('A frame is missing its marker')
    else filled = 0
    line = ''
  }

  return chunk => {
    let at = 0
    while (at < chunk.length) {
      if (frame === null || filled < 0) {
        const byte = chunk[at++]!
        if (byte === NEWLINE) endLine()
        else line += String.fromCharCode(byte)
        if (line.length > MAX_LINE) throw new Error('Not a YUV4MPEG2 stream: a line is too long')
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

function parseHeader(line: string): VideoFormat {
  const field = (pattern: RegExp) => pattern.exec(line)?.slice(1).map(Number)
  const [width] = field(/ W(\d+)/) ?? []
  const [height] = field(/ H(\d+)/) ?? []
  const [num, den] = field(/ F(\d+):(\d+)/) ?? []
  if (!width || !height || !num || !den || !/ C420/.test(line)) throw new Error(`Not an I420 stream: ${line}`)
  return { width, height, fps: { num, den } }
}
