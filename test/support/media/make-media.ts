/**
 * Makes the bundled sample and the media of the tests: `npx tsx test/support/media/make-media.ts`.
 *
 * The pictures are drawn by `draw-presenter.ts`, the speech is `espeak-ng`'s (Debian's package of that name), the encoder is
 * the WASM FFmpeg of the built-in engine. It is only needed to change the sample: what it makes is
 * committed there.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type FfmpegArg, QUIET, readFrom, writeTo } from '../../../src/upstream/engine/worker/ffmpeg/ffmpeg.js'
import { createWasmFfmpeg } from '../../../src/upstream/engine/worker/ffmpeg/wasm-ffmpeg.js'
import { drawPresenter } from './draw-presenter.js'
import { rasterise } from './rasterise.js'

const SIZE = { width: 640, height: 360 }
const FPS = 25
const SAMPLE = new URL('../../../src/sample/', import.meta.url)
const TEST_MEDIA = new URL('./', import.meta.url)

async function main() {
  await mkdir(TEST_MEDIA, { recursive: true })
  const speech = speak('Hello! Somebody gave me a new voice, and my lips follow every word.', 'en-us+f3')
  const other = speak('Two. Four, six. Eight! Well, numbers are a very different thing.', 'en-us+m3')
  const otherSpeech = new URL('other-speech.m4a', TEST_MEDIA)
  await encodeAudio(new URL('speech.m4a', SAMPLE), speech)
  await encodeAudio(otherSpeech, other)
  await encodeVideo(new URL('presenter.mp4', SAMPLE), 4, () => 0)
  await encodeVideo(new URL('talking.mp4', TEST_MEDIA), 4, loudnessPerFrame(other), otherSpeech)
}

/** A WAV: mono, 16 bits, 22,050 Hz. */
function speak(text: string, voice: string): Buffer {
  return execFileSync('espeak-ng', ['-v', voice, '-s', '150', '-p', '55', '--stdout', text])
}

/** Returns the function from the number of a frame to the loudness of the speech, 0 to 1. */
function loudnessPerFrame(wav: Buffer) {
  const samples = new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length - (wav.length % 2)))
  const perFrame = 22_050 / FPS
  const loudness = Array.from({ length: Math.ceil(samples.length / perFrame) }, (_, frame) => {
    const part = samples.subarray(frame * perFrame, (frame + 1) * perFrame)
    return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length)
  })
  const loudest = Math.max(...loudness)
  return (frame: number) => Math.sqrt((loudness[frame] ?? 0) / loudest)
}

/** Draws each frame when the encoder asks for it. */
async function encodeVideo(out: URL, seconds: number, mouthOpen: (frame: number) => number, audio?: URL) {
  let frame = 0
  let rest: Uint8Array = new Uint8Array(0)
  const read = (into: Uint8Array) => {
    if (rest.length === 0 && frame < seconds * FPS) {
      rest = rasterise(drawPresenter({ ...SIZE, time: frame / FPS, mouthOpen: mouthOpen(frame) }))
      frame++
    }
    const part = rest.subarray(0, into.length)
    into.set(part)
    rest = rest.subarray(part.length)
    return part.length
  }
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${SIZE.width}x${SIZE.height}`, '-r', `${FPS}`]
  const codec = ['-c:v', 'libx264', '-preset', 'slow', '-crf', '23', '-pix_fmt', 'yuv420p', '-color_range', 'tv']
  const colours = ['-colorspace', 'smpte170m', '-color_primaries', 'smpte170m', '-color_trc', 'smpte170m']
  const sound = audio ? ['-i', readFrom(fileURLToPath(audio)), '-c:a', 'copy', '-shortest'] : []
  await encode([...raw, '-i', 'pipe:0', ...sound, ...codec, ...colours, '-movflags', '+faststart'], 'mp4', out, read)
}

async function encodeAudio(out: URL, wav: Uint8Array) {
  let at = 0
  await encode(['-f', 'wav', '-i', 'pipe:0', '-c:a', 'aac', '-b:a', '48k'], 'ipod', out, into => {
    const part = wav.subarray(at, at + into.length)
    into.set(part)
    at += part.length
    return part.length
  })
}

/** Runs FFmpeg so that the same input always gives the same file. */
async function encode(args: FfmpegArg[], format: string, out: URL, read: (into: Uint8Array) => number) {
  const path = fileURLToPath(out)
  const same = [
    '-fflags',
    '+bitexact',
    '-flags',
    '+bitexact',
    '-metadata',
    'comment=Synthetic: drawn and spoken by code',
  ]
  const ffmpeg = await createWasmFfmpeg()
  const { exitCode, log } = await ffmpeg.run([...QUIET, ...args, ...same, '-f', format, writeTo(path)], { read })
  if (exitCode !== 0) throw new Error(`FFmpeg ended with ${exitCode}:\n${log.slice(-20).join('\n')}`)
  console.log(`${path}: ${(await stat(path)).size} bytes`)
}

await main()
