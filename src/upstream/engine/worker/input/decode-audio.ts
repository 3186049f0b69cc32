import { closeSync, openSync, writeSync } from 'node:fs'
import { inputFailure } from '../../job-failure.js'
import { type Ffmpeg, QUIET } from '../ffmpeg/ffmpeg.js'
import { judge } from './diagnose-decode.js'
import { source } from './untrusted-source.js'

/** What audio is decoded to: samples of 16 bits, little-endian, the channels interleaved. */
export const SAMPLE_RATE = 48_000
export const CHANNELS = 2
const BYTES_PER_SECOND = SAMPLE_RATE * CHANNELS * 2
export const PCM_ARGS = ['-f', 's16le', '-ar', String(SAMPLE_RATE), '-ac', String(CHANNELS)] as const

/**
 * Decodes the first audio track of a file to a file of PCM, and answers its length in seconds. That is the length of the
 * samples: what a container says is off by the encoder's delay.
 */
export const decodeAudio = async (ffmpeg: Ffmpeg, from: string, to: string, maxSeconds: number): Promise<number> => {
  const fd = openSync(to, 'w')
  let bytes = 0
  const write = (chunk: Uint8Array) => {
    for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done)
    bytes += chunk.length
  }
  // One second more than is allowed, so that what is too long shows.
  const limit = String(maxSeconds + 1)
  const run = await ffmpeg
    .run([...QUIET, ...source(from), '-map', '0:a:0', '-t', limit, ...PCM_ARGS, 'pipe:1'], { write })
    .finally(() => closeSync(fd))

  const seconds = bytes / BYTES_PER_SECOND
  if (seconds > maxSeconds) throw inputFailure('audio', `it is longer than ${maxSeconds} s`)
  const fault = judge(run, { track: 'audio', seconds, neededSeconds: Number.POSITIVE_INFINITY })
  if (fault) throw inputFailure('audio', fault)
  return seconds
}
