import type { FfmpegRun } from '../ffmpeg/ffmpeg.js'

/** The meaning of a picture's numbers, in FFmpeg's names. Raw frames do not carry it. */
export interface ColourTags {
  readonly space: string
  readonly primaries: string
  readonly transfer: string
}

const SPACES = ['bt709', 'smpte170m', 'bt470bg', 'bt2020nc']
const PRIMARIES = ['bt709', 'smpte170m', 'bt470bg', 'bt2020', 'smpte432']
const TRANSFERS = ['bt709', 'smpte170m', 'bt2020-10', 'smpte2084', 'arib-std-b67', 'iec61966-2-1']

/** Reads the tags of the decoded frames from the log: `yuv420p(tv, bt709)`, or `yuv420p(bt709/bt709/smpte170m)`. */
export function readColourTags({ log }: FfmpegRun): ColourTags {
  const decoded = log.findLast(line => /^ +Stream #0:0.*: Video: wrapped_avframe/.test(line)) ?? ''
  const notes = /yuv420p\(([^)]*)\)/.exec(decoded)?.[1]?.split(', ') ?? []
  const names = notes.find(note => SPACES.includes(note.split('/')[0] ?? ''))?.split('/') ?? []
  const [space = '', primaries = space, transfer = space] = names
  const known = (name: string, all: readonly string[]) => (all.includes(name) ? name : 'unknown')
  return { space: known(space, SPACES), primaries: known(primaries, PRIMARIES), transfer: known(transfer, TRANSFERS) }
}

/** The filter that restores the tags of raw frames. */
export function colourFilter({ space, primaries, transfer }: ColourTags): string {
  return `setparams=range=tv:colorspace=${space}:color_primaries=${primaries}:color_trc=${transfer}`
}
