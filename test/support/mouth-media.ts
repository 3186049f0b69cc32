import { fileURLToPath } from 'node:url'
import type { createFaceTracker } from '../../src/upstream/engine/worker/face/face-tracker.js'
import { contourPoint, eyeDistance } from '../../src/upstream/engine/worker/face/landmarks.js'
import { QUIET, readFrom } from '../../src/upstream/engine/worker/ffmpeg/ffmpeg.js'
import { createWasmFfmpeg } from '../../src/upstream/engine/worker/ffmpeg/wasm-ffmpeg.js'

export const FPS = 25
/** The sample rate of `decodeSpeech`, in Hz. */
export const SPEECH_RATE = 16_000

export const MEDIA = {
  presenter: new URL('../../src/sample/presenter.mp4', import.meta.url),
  speech: new URL('../../src/sample/speech.m4a', import.meta.url),
  /** The presenter, speaking `otherSpeech`. */
  talking: new URL('media/talking.mp4', import.meta.url),
  otherSpeech: new URL('media/other-speech.m4a', import.meta.url),
}

async function decode(file: URL | string, args: readonly string[]): Promise<Buffer> {
  const chunks: Buffer[] = []
  const ffmpeg = await createWasmFfmpeg()
  const path = typeof file === 'string' ? file : fileURLToPath(file)
  const { exitCode, log } = await ffmpeg.run([...QUIET, '-i', readFrom(path), ...args, 'pipe:1'], {
    write: chunk => void chunks.push(Buffer.from(chunk)),
  })
  if (exitCode !== 0) throw new Error(log.join('\n'))
  return Buffer.concat(chunks)
}

/** Returns all frames of a video in I420, scaled to a size. */
export async function decodeFrames(file: URL | string, width: number, height: number): Promise<Uint8Array[]> {
  const scale = ['-vf', `scale=${width}:${height}`]
  const all = await decode(file, [...scale, '-f', 'rawvideo', '-pix_fmt', 'yuv420p'])
  const size = (width * height * 3) / 2
  return Array.from({ length: Math.floor(all.length / size) }, (_, i) => all.subarray(i * size, (i + 1) * size))
}

/** Mono, -1 to 1, 16 kHz. */
export async function decodeSpeech(file: URL | string): Promise<Float32Array> {
  const bytes = await decode(file, ['-f', 'f32le', '-ac', '1', '-ar', String(SPEECH_RATE)])
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

/** The root mean square of the samples that are heard during each frame. */
export function loudnessPerFrame(pcm: Float32Array, frames: number): number[] {
  const perFrame = SPEECH_RATE / FPS
  return Array.from({ length: frames }, (_, frame) => {
    const part = pcm.subarray(frame * perFrame, (frame + 1) * perFrame)
    return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / perFrame)
  })
}

/** The gap between the inner lips divided by the eye distance, by the landmarks of a frame. */
export function readGap(
  tracker: ReturnType<typeof createFaceTracker>,
  data: Uint8Array,
  width: number,
  height: number,
) {
  const { face } = tracker.track({ data, width, height })
  if (!face) throw new Error('no face found in the output')
  const [upper, lower] = [contourPoint(face, 'upperInner', 5), contourPoint(face, 'lowerInner', 5)]
  return Math.hypot(lower.x - upper.x, lower.y - upper.y) / eyeDistance(face)
}

/** Pearson's correlation of a and b, with b `lag` frames earlier than a. */
export function correlation(a: readonly number[], b: readonly number[], lag = 0): number {
  const pairs = a
    .map((value, i) => [value, b[i - lag]] as const)
    .filter((pair): pair is [number, number] => pair[1] !== undefined)
  const mean = (k: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[k], 0) / pairs.length
  const [meanA, meanB] = [mean(0), mean(1)]
  let [together, alone, other] = [0, 0, 0]
  for (const [x, y] of pairs) {
    together += (x - meanA) * (y - meanB)
    alone += (x - meanA) ** 2
    other += (y - meanB) ** 2
  }
  return together / Math.sqrt(alone * other)
}

/** The lag in frames, -4 to 4, at which b correlates best with a. */
export function bestLag(a: readonly number[], b: readonly number[]): number {
  return [-4, -3, -2, -1, 0, 1, 2, 3, 4].reduce((best, lag) =>
    correlation(a, b, lag) > correlation(a, b, best) ? lag : best,
  )
}
