import { open } from 'node:fs/promises'

/** A RIFF file written to a pipe has no length: writers put the greatest number there is, or nearly so, or none. */
const LENGTH_UNKNOWN = 0x7fff_0000

/** What a decoder would not say about a file, or only call damaged, in words for the caller; null when there is nothing. */
export const sniff = async (path: string): Promise<string | null> => {
  await using file = await open(path)
  const { size } = await file.stat()
  const { buffer } = await file.read(Buffer.alloc(512), 0, 512, 0)
  if (size === 0) return 'the file is empty'
  const start = buffer.toString('latin1')
  if (/^(\xef\xbb\xbf)?\s*<(!doctype|!--|html|head|body|script|\?xml)/i.test(start)) {
    return 'the file is a web page (HTML), not media'
  }
  // FFmpeg takes a WAV for as long as it is, whatever it announces.
  const announced = start.startsWith('RIFF') ? buffer.readUInt32LE(4) : 0
  if (announced < LENGTH_UNKNOWN && announced + 8 > size) return 'the file is cut off: its end is missing'
  return null
}
