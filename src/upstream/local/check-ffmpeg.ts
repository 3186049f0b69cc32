import { checkNativeFfmpeg } from './ffmpeg/ffmpeg-native.js'
import { hasFfmpegCore } from './ffmpeg/ffmpeg-wasm.js'

/** Rejects in one line, with what to do, when there is no FFmpeg to work with. */
export const checkFfmpeg = async (ffmpegPath: string | null, hasCore = hasFfmpegCore): Promise<void> => {
  if (ffmpegPath) return await checkNativeFfmpeg(ffmpegPath)
  if (hasCore()) return
  throw new Error(
    'The built-in engine needs the package @ffmpeg/core: install it with "npm install @ffmpeg/core", or name a native FFmpeg by FFMPEG_PATH.',
  )
}
