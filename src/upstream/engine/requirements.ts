import { missingMouthPackages } from './worker/face/packages.js'
import { checkNativeFfmpeg } from './worker/ffmpeg/native-ffmpeg.js'
import { hasFfmpegCore } from './worker/ffmpeg/wasm-ffmpeg.js'

/**
 * Rejects in one line, with what to do, when something is missing that the engine needs. It would rather not start than
 * make videos whose mouths do not move.
 */
export const checkPackages = async (
  ffmpegPath: string | null,
  { hasCore = hasFfmpegCore, missingOfMouth = missingMouthPackages } = {},
): Promise<void> => {
  if (ffmpegPath) await checkNativeFfmpeg(ffmpegPath)
  const missing = [...(ffmpegPath || hasCore() ? [] : ['@ffmpeg/core']), ...missingOfMouth()]
  if (missing.length === 0) return
  const install = `install with "npm install ${missing.join(' ')}"`
  const instead = missing[0] === '@ffmpeg/core' ? ' FFMPEG_PATH may name a native FFmpeg instead of the first.' : ''
  throw new Error(`The built-in engine needs optional packages that are missing: ${install}.${instead}`)
}
