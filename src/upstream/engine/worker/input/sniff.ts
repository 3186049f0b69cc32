import { open } from 'node:fs/promises'

/** The length in a RIFF file that was written to a pipe is unknown: the largest number, almost that, or 0. */
const LENGTH_UNKNOWN = 0x7fff_0000

/** Returns a fault that a decoder does not report, or reports as damage, in words for the caller; null when there is none. */
export async function sniff(path: string): Promise<string | null> {
  await using file = await open(path)
  const { size } = await file.stat()
  const { buffer } = await file.read(Buffer.alloc(512), 0, 512, 0)
  if (size === 0) return 'the file is empty'
  const start = buffer.toString('latin1')
  if (/^(\xef\xbb\xbf)?\s*<(!doctype|!--|html|head|body|script|\?xml)/i.test(start)) {
    return 'the file is a web page (HTML), not media'
  }
  // FFmpeg accepts a WAV of any length, whatever it announces.
  const announced = start.startsWith('RIFF') ? buffer.readUInt32LE(4) : 0
  if (announced < LENGTH_UNKNOWN && announced + 8 > size) return 'the file is cut off: its end is missing'
  return null
}
