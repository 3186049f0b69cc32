import { type FfmpegArg, readFrom } from '../ffmpeg/ffmpeg.js'

/**
 * The formats that are read: those that contain media themselves. With a playlist or a script (HLS, DASH, concat, SDP),
 * FFmpeg would open other files and addresses on behalf of its author.
 */
const FORMATS = 'mov,matroska,avi,flv,mpeg,mpegts,ogg,asf,wav,w64,aiff,caf,mp3,aac,flac,amr,ac3,eac3,gif'

/** FFmpeg counts the padding of some codecs as pixels too, so it is allowed twice the limit. The rest is checked later. */
const MARGIN = 2

/** The largest single allocation: 64 MiB, or what a picture of the largest size needs at 8 bytes a pixel. */
const MIN_ALLOCATION = 64 << 20
const BYTES_PER_PIXEL = 8

/**
 * The arguments that read an untrusted file, and only that file, within bounded memory. FFmpeg probes all tracks, so the
 * limit on pixels applies to the audio input as well.
 *
 * @param pixels the largest picture
 */
export function untrustedSource(path: string, pixels: number): FfmpegArg[] {
  const maxPixels = pixels * MARGIN
  return [
    ...['-max_alloc', String(Math.max(MIN_ALLOCATION, maxPixels * BYTES_PER_PIXEL)), '-max_pixels', String(maxPixels)],
    ...['-threads', '1', '-protocol_whitelist', 'file', '-format_whitelist', FORMATS],
    '-i',
    readFrom(path),
  ]
}
