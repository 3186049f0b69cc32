/**
 * Makes the bundled sample and the media of the tests anew: `npx tsx src/sample/make.ts`.
 *
 * The pictures are drawn by `presenter.ts`, the speech is `espeak-ng`'s (Debian's package of that name), the encoder is
 * the WASM FFmpeg of the built-in engine. Only someone who changes the sample needs to run it: what it makes is
 * committed beside it.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { rasterise } from './i420.js'
import { drawPresenter } from './presenter.js'

const SIZE = { width: 640, height: 360 }
const FPS = 25
const SAMPLE = new URL('./', import.meta.url)
const TEST_MEDIA = new URL('../../test/support/media/', import.meta.url)

const main = async () => {
  await mkdir(TEST_MEDIA, { recursive: true })
  const speech = speak('Hello! Somebody gave me a new voice, and my lips follow every word.', 'en-us+f3')
  const other = speak('Two. Four, six. Eight! Well, numbers are a very different thing.', 'en-us+m3')
  await save(new URL('presenter.mp4', SAMPLE), await encodeVideo(4, () => 0))
  await save(new URL('speech.m4a', SAMPLE), await encodeAudio(speech))
  await save(new URL('other-speech.m4a', TEST_MEDIA), await encodeAudio(other))
  await save(
    new URL('talking.mp4', TEST_MEDIA),
    await encodeVideo(4, loudnessPerFrame(other), await encodeAudio(other)),
  )
}

const save = async (file: URL, bytes: Uint8Array) => {
  await writeFile(file, bytes)
  console.log(`${fileURLToPath(file)}: ${bytes.length} bytes`)
}

/** A WAV: mono, 16 bits, 22,050 Hz. */
const speak = (text: string, voice: string): Buffer =>
  execFileSync('espeak-ng', ['-v', voice, '-s', '150', '-p', '55', '--stdout', text])

/** Opens a drawn mouth the way the speech is loud: a frame's number to 0…1. */
const loudnessPerFrame = (wav: Buffer) => {
  const samples = new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length - (wav.length % 2)))
  const perFrame = 22_050 / FPS
  const loudness = Array.from({ length: Math.ceil(samples.length / perFrame) }, (_, frame) => {
    const part = samples.subarray(frame * perFrame, (frame + 1) * perFrame)
    return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length)
  })
  const loudest = Math.max(...loudness)
  return (frame: number) => Math.sqrt((loudness[frame] ?? 0) / loudest)
}

const encodeVideo = (seconds: number, mouthOpen: (frame: number) => number, audio?: Uint8Array) => {
  const frames = Array.from({ length: seconds * FPS }, (_, frame) =>
    rasterise(drawPresenter({ ...SIZE, time: frame / FPS, mouthOpen: mouthOpen(frame) })),
  )
  const raw = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'yuv420p',
    '-s',
    `${SIZE.width}x${SIZE.height}`,
    '-r',
    `${FPS}`,
    '-i',
    'in.yuv',
  ]
  const codec = ['-c:v', 'libx264', '-preset', 'slow', '-crf', '23', '-pix_fmt', 'yuv420p', '-color_range', 'tv']
  const colours = ['-colorspace', 'smpte170m', '-color_primaries', 'smpte170m', '-color_trc', 'smpte170m']
  return ffmpeg(
    { 'in.yuv': Buffer.concat(frames), ...(audio && { 'in.m4a': audio }) },
    [...raw, ...(audio ? ['-i', 'in.m4a', '-c:a', 'copy', '-shortest'] : []), ...codec, ...colours],
    'out.mp4',
  )
}

const encodeAudio = (wav: Uint8Array) =>
  ffmpeg({ 'in.wav': wav }, ['-i', 'in.wav', '-c:a', 'aac', '-b:a', '48k'], 'out.m4a')

interface FFmpegCore {
  FS: { writeFile(path: string, bytes: Uint8Array): void; readFile(path: string): Uint8Array }
  exec(...args: string[]): number
  setLogger(log: (line: { message: string }) => void): void
  setTimeout(milliseconds: number): void
}

/** Runs FFmpeg once over files in memory and answers the one that it wrote, without what would tell machine or time. */
const ffmpeg = async (files: Record<string, Uint8Array>, args: string[], out: string): Promise<Uint8Array> => {
  const file = createRequire(import.meta.url)
    .resolve('@ffmpeg/core')
    .replace('/esm/', '/umd/')
  const exported: { exports: unknown } = { exports: {} }
  new Function(
    'module',
    'exports',
    'require',
    '__dirname',
    '__filename',
    'self',
    'location',
    'document',
    await readFile(file, 'utf8'),
  )(
    exported,
    exported.exports,
    createRequire(file),
    '',
    file,
    { location: { href: '' } },
    { href: '' },
    { currentScript: { src: file } },
  )
  const create = exported.exports as (options: object) => Promise<FFmpegCore>
  const core = await create({
    wasmBinary: await readFile(file.replace(/\.js$/, '.wasm')),
    mainScriptUrlOrBlob: `x#${Buffer.from('{}').toString('base64')}`,
  })
  const log: string[] = []
  core.setLogger(({ message }) => log.push(message))
  core.setTimeout(-1)
  for (const [name, bytes] of Object.entries(files)) core.FS.writeFile(name, bytes)
  const code = core.exec(...args, '-fflags', '+bitexact', '-flags', '+bitexact', '-movflags', '+faststart', out)
  if (code !== 0) throw new Error(`FFmpeg ended with ${code}:\n${log.slice(-20).join('\n')}`)
  return core.FS.readFile(out)
}

await main()
