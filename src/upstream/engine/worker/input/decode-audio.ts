import { closeSync, openSync, writeSync } from 'node:fs'
import { inputFailure } from '../../job-failure.js'
import { type Ffmpeg, QUIET, writeTo } from '../ffmpeg/ffmpeg.js'
import { SPEECH_ARGS } from '../speech/read-speech.js'
import { diagnoseDecode } from './diagnose-decode.js'
import { untrustedSource } from './untrusted-source.js'

const SAMPLE_RATE = 48_000
const CHANNELS = 2
const BYTES_PER_SECOND = SAMPLE_RATE * CHANNELS * 2
/** The sound of the output: samples of 16 bits, little-endian, the channels interleaved. */
export const PCM_ARGS = ['-f', 's16le', '-ar', String(SAMPLE_RATE), '-ac', String(CHANNELS)] as const

/** Resampling a packet from a very low rate takes gigabytes of memory: 4,096 samples of 1 Hz become 196 million. */
const MIN_SAMPLE_RATE = 4_000

export interface DecodedAudio {
  /** The file for the sound of the output. */
  readonly pcm: string
  /** The file for the mono speech that the mouth follows. */
  readonly speech: string
}

export interface AudioLimits {
  readonly durationSeconds: number
  /** The largest picture of any track. */
  readonly pixels: number
}

/**
 * Decodes the first audio track of a file to two files, and returns its length in seconds. That is the length of the
 * samples; the length in the container is wrong by the encoder's delay.
 */
export async function decodeAudio(
  ffmpeg: Ffmpeg,
  from: string,
  to: DecodedAudio,
  { durationSeconds, pixels }: AudioLimits,
): Promise<number> {
  const fd = openSync(to.pcm, 'w', 0o600)
  let bytes = 0
  const write = (chunk: Uint8Array) => {
    for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done)
    bytes += chunk.length
  }
  // One second more than allowed, so that an audio that is too long is noticed.
  const track = ['-map', '0:a:0', '-t', String(durationSeconds + 1)]
  const outputs = [...track, ...PCM_ARGS, 'pipe:1', ...track, ...SPEECH_ARGS, writeTo(to.speech)]
  const run = await ffmpeg
    .run([...QUIET, ...untrustedSource(from, pixels), ...outputs], { write, log: refuseLowRate })
    .finally(() => closeSync(fd))

  const seconds = bytes / BYTES_PER_SECOND
  if (seconds > durationSeconds) throw inputFailure('audio', `it is longer than ${durationSeconds} s`)
  const fault = diagnoseDecode(run, { track: 'audio', seconds, neededSeconds: Number.POSITIVE_INFINITY })
  if (fault) throw inputFailure('audio', fault)
  return seconds
}

/** FFmpeg logs the tracks before it decodes them. */
function refuseLowRate(line: string): void {
  const rate = /^ +Stream #0:\d+.*: Audio: .*?, (\d+) Hz/.exec(line)?.[1]
  if (rate && Number(rate) < MIN_SAMPLE_RATE) {
    throw inputFailure('audio', `its sample rate of ${rate} Hz is too low, at least ${MIN_SAMPLE_RATE} Hz is needed`)
  }
}
