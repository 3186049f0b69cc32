import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { CHANNELS, SAMPLE_RATE } from '../input/decode-audio.js'

/** So many instants of the PCM are one sample of the speech: what the mouth goes by needs no more than 16 kHz. */
const INSTANTS = 3
const VALUES = CHANNELS * INSTANTS
/** Of the speech as `readSpeech` answers it, in Hz. */
export const SPEECH_RATE = SAMPLE_RATE / INSTANTS

const SAMPLES_AT_A_TIME = 32_768

/** Reads a file of the engine's PCM as mono speech, -1 to 1: 64 KB of memory for each second. */
export const readSpeech = (path: string): Float32Array => {
  const fd = openSync(path, 'r')
  try {
    const speech = new Float32Array(Math.floor(fstatSync(fd).size / (2 * VALUES)))
    const bytes = Buffer.alloc(2 * VALUES * SAMPLES_AT_A_TIME)
    for (let from = 0; from < speech.length; from += SAMPLES_AT_A_TIME) {
      const read = readSync(fd, bytes, 0, bytes.length, 2 * VALUES * from)
      const samples = Math.min(speech.length - from, Math.floor(read / (2 * VALUES)))
      for (let i = 0; i < samples; i++) {
        let sum = 0
        for (let value = 0; value < VALUES; value++) sum += bytes.readInt16LE(2 * (i * VALUES + value))
        speech[from + i] = sum / (VALUES * 32_768)
      }
    }
    return speech
  } finally {
    closeSync(fd)
  }
}
