import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'

const require = createRequire(import.meta.url)

/** FFmpeg as WebAssembly. Not needed when a native FFmpeg is configured. */
const FFMPEG_PACKAGE = '@ffmpeg/core'

/** The first package contains the model files, the others run the models. */
const FACE_PACKAGES = [
  '@vladmandic/human',
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-converter',
  '@tensorflow/tfjs-backend-wasm',
]

/**
 * Checks that everything the engine needs is installed. Rejects with one line that says what to install. The engine does
 * not start without the face packages, since its videos would then have mouths that do not move.
 *
 * @param isInstalled whether a package can be resolved, without loading it
 */
export async function checkRequirements(
  ffmpegPath: string | null,
  isInstalled: (name: string) => boolean = canResolve,
): Promise<void> {
  if (ffmpegPath) await checkNativeFfmpeg(ffmpegPath)
  const needed = [...(ffmpegPath ? [] : [FFMPEG_PACKAGE]), ...FACE_PACKAGES]
  const missing = needed.filter(name => !isInstalled(name))
  if (missing.length === 0) return
  const install = `install them with "npm install ${missing.join(' ')}"`
  const instead = missing[0] === FFMPEG_PACKAGE ? ` FFMPEG_PATH can name a native FFmpeg instead of ${missing[0]}.` : ''
  throw new Error(`The built-in engine needs optional packages that are missing: ${install}.${instead}`)
}

function canResolve(name: string): boolean {
  try {
    require.resolve(name)
    return true
  } catch {
    return false
  }
}

/** Rejects with a reason in one line when the program lacks what the engine needs. */
async function checkNativeFfmpeg(program: string): Promise<void> {
  const run = promisify(execFile)(program, ['-hide_banner', '-encoders'], { windowsHide: true })
  const { stdout } = await run.catch((cause: Error) => {
    throw new Error(`FFmpeg cannot be run as "${program}": ${cause.message.split('\n')[0]}`, { cause })
  })
  const missing = ['libx264', 'aac', 'mjpeg'].filter(encoder => !stdout.includes(` ${encoder} `))
  if (missing.length > 0) throw new Error(`The FFmpeg at "${program}" lacks the encoder ${missing.join(', ')}`)
}
