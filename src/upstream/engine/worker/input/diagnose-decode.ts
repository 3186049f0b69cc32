import type { InputName } from '../../job-failure.js'
import type { FfmpegRun } from '../ffmpeg/ffmpeg.js'

interface Decoded {
  /** The kind of the requested track. */
  readonly track: InputName
  /** The length that was decoded. */
  readonly seconds: number
  /** The length that is needed. */
  readonly neededSeconds: number
}

/** FFmpeg's words for a file whose end is missing. It decodes what there is, so they count even after a success. */
const CUT = /moov atom not found|partial file|File ended prematurely|Truncating packet/

/** FFmpeg's words for a fault, and ours. The first one that occurs counts. */
const FAULTS: readonly (readonly [pattern: RegExp, fault: string])[] = [
  [/not on whitelist/, 'the file is of a kind that is not supported'],
  [/exceeds specified max pixel count|Picture size \S+ is invalid/, 'the picture is too large'],
  [/Cannot allocate memory|Out of memory/, 'it needs too much memory, its pictures or its sound are too large'],
  [/Invalid data found when processing input/, 'the file is damaged, or is not media at all'],
]

/** Returns why a decoded file cannot be used, in words for the caller; null when it can. */
export function diagnoseDecode(
  { exitCode, log }: FfmpegRun,
  { track, seconds, neededSeconds }: Decoded,
): string | null {
  // Indented lines contain the file's own metadata, which is under the control of its author.
  const has = (pattern: RegExp) => log.some(line => !line.startsWith(' ') && pattern.test(line))
  if (has(/matches no streams/)) return `the file has no ${track} track`
  if (has(CUT)) return 'the file is cut off: its end is missing'
  const fault = FAULTS.find(([pattern]) => has(pattern))?.[1]
  if (exitCode !== 0) return fault ?? 'the file could not be decoded'
  if (seconds === 0) return fault ?? `its ${track} track is empty: the length is zero`
  const announced = announcedSeconds(log)
  const expected = Math.min(announced ?? 0, neededSeconds)
  // Encoders delay and pad by some hundredths of a second.
  if (seconds >= 0.97 * expected - 0.25) return null
  return `the file is cut off: it contains ${seconds.toFixed(1)} s of the ${announced} s that it announces`
}

/** Returns the length of the only track by the container; null when there are several, or FFmpeg only estimates it. */
function announcedSeconds(log: readonly string[]): number | null {
  const end = log.findIndex(line => /^(Stream mapping:|Output #0)/.test(line))
  const source = log.slice(0, end)
  const tracks = source.filter(line => /^ +Stream #0:/.test(line)).length
  const [, hours, minutes, seconds] = /^ {2}Duration: (\d+):(\d+):([\d.]+)/m.exec(source.join('\n')) ?? []
  if (tracks !== 1 || !seconds || source.some(line => line.includes('Estimating duration'))) return null
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
}
