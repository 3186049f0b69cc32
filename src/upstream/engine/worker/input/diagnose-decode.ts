import type { InputName } from '../../job-failure.js'
import type { FfmpegRun } from '../ffmpeg/ffmpeg.js'

interface Decoded {
  /** The kind of track that was asked for. */
  readonly track: InputName
  /** How much was decoded. */
  readonly seconds: number
  /** How much would have been enough. */
  readonly neededSeconds: number
}

/** FFmpeg's words for a file whose end is missing. It goes on with what is there, so they count even when it ended well. */
const CUT = /moov atom not found|partial file|File ended prematurely|Truncating packet/

/** FFmpeg's words for what made it give up, and ours. The first that occurs counts. */
const FAULTS: readonly (readonly [pattern: RegExp, fault: string])[] = [
  [/not on whitelist/, 'the file is of a kind that is not supported'],
  [/exceeds specified max pixel count|Picture size \S+ is invalid/, 'the picture is too large'],
  [/Invalid data found when processing input/, 'the file is damaged, or is not media at all'],
]

/** Why the file that FFmpeg decoded is not good enough, in words for the caller; null when it is. */
export const judge = ({ exitCode, log }: FfmpegRun, { track, seconds, neededSeconds }: Decoded): string | null => {
  // Indented lines tell the file's own metadata, which may say anything.
  const said = (pattern: RegExp) => log.some(line => !line.startsWith(' ') && pattern.test(line))
  if (said(/matches no streams/)) return `the file has no ${track} track`
  if (said(CUT)) return 'the file is cut off: its end is missing'
  const fault = FAULTS.find(([pattern]) => said(pattern))?.[1]
  if (exitCode !== 0) return fault ?? 'the file could not be decoded'
  if (seconds === 0) return fault ?? `its ${track} track is empty: the length is zero`
  const announced = announcedSeconds(log)
  const expected = Math.min(announced ?? 0, neededSeconds)
  // Encoders delay and pad by some hundredths of a second.
  if (seconds >= 0.97 * expected - 0.25) return null
  return `the file is cut off: it holds ${seconds.toFixed(1)} s of the ${announced} s it announces`
}

/** How long the container says its only track is; null when it has several, says nothing, or FFmpeg only guesses. */
const announcedSeconds = (log: readonly string[]): number | null => {
  const end = log.findIndex(line => /^(Stream mapping:|Output #0)/.test(line))
  const source = log.slice(0, end)
  const tracks = source.filter(line => /^ +Stream #0:/.test(line)).length
  const [, hours, minutes, seconds] = /^ {2}Duration: (\d+):(\d+):([\d.]+)/m.exec(source.join('\n')) ?? []
  if (tracks !== 1 || !seconds || source.some(line => line.includes('Estimating duration'))) return null
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
}
