import { readFileSync } from 'node:fs'

/** The sample rate of the speech, in Hz. */
export const SPEECH_RATE = 16_000

/** FFmpeg's output options for the file that `readSpeech` reads: mono samples of 16 bits. */
export const SPEECH_ARGS = ['-f', 's16le', '-ar', String(SPEECH_RATE), '-ac', '1'] as const

/** Reads the speech as samples from -1 to 1: 64 KB of memory for each second. */
export function readSpeech(path: string): Float32Array {
  const bytes = readFileSync(path)
  const samples = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Float32Array.from({ length: bytes.length >> 1 }, (_, i) => samples.getInt16(2 * i, true) / 32_768)
}
