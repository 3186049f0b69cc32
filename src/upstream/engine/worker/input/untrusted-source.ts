import { type FfmpegArg, readFrom } from '../ffmpeg/ffmpeg.js'

/**
 * The kinds of files that are read: those that hold media themselves. A playlist or a script (HLS, DASH, concat, SDP …)
 * would make FFmpeg open other files and addresses on behalf of whoever wrote it.
 */
const FORMATS = 'mov,matroska,avi,flv,mpeg,mpegts,ogg,asf,wav,w64,aiff,caf,mp3,aac,flac,amr,ac3,eac3,gif'

/** Reads an untrusted file, and nothing but that file. */
export const source = (path: string, ...options: string[]): FfmpegArg[] => [
  ...['-threads', '1', '-protocol_whitelist', 'file', '-format_whitelist', FORMATS],
  ...options,
  '-i',
  readFrom(path),
]
