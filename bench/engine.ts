/**
 * Measures the speed and memory of the built-in engine: `npm run bench:engine`, on Linux. Each job is compared with a
 * plain FFmpeg that re-encodes the same length with the same settings, which is the upper limit.
 *
 * Frames are counted per second of processor time, which hardly depends on other load, and per second of wall time.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FfmpegArg, QUIET, readFrom, writeTo } from '../src/upstream/engine/worker/ffmpeg/ffmpeg.js'
import { createWasmFfmpeg } from '../src/upstream/engine/worker/ffmpeg/wasm-ffmpeg.js'
import { ENCODE, runJob, runPlain } from './engine-runs.js'

const FPS = 25
const SAMPLE = fileURLToPath(new URL('../src/sample/', import.meta.url))

const make = async (path: string, ...args: FfmpegArg[]): Promise<string> => {
  const { exitCode, log } = await (await createWasmFfmpeg()).run([...QUIET, ...args, writeTo(path)])
  if (exitCode !== 0) throw new Error(log.join('\n'))
  return path
}

const main = async (folder: string) => {
  const presenter = readFrom(join(SAMPLE, 'presenter.mp4'))
  const speech = readFrom(join(SAMPLE, 'speech.m4a'))
  const native = process.env.FFMPEG_PATH ?? 'ffmpeg'
  const hasNative = spawnSync(native, ['-version']).status === 0
  const programs = [['WASM', null], ...(hasNative ? ([['native', native]] as const) : [])] as const

  console.log('FFmpeg  size      source  audio  frames/CPU s  plain  share  frames/s  peak MB  plain MB')
  for (const [name, ffmpegPath] of programs)
    for (const [size, sourceSeconds, seconds] of [
      ['640x360', 4, 15],
      ['640x360', 4, 60],
      ['640x360', 15, 15],
      ['1280x720', 4, 15],
    ] as const) {
      const repeated = ['-stream_loop', '-1', '-i', presenter, '-t', String(sourceSeconds)]
      const video = await make(join(folder, 'source.mp4'), ...repeated, '-vf', `scale=${size}`, ...ENCODE)
      const length = ['-t', String(seconds), '-f', 'wav']
      const audio = await make(join(folder, `${seconds}.wav`), '-stream_loop', '-1', '-i', speech, ...length)
      const run = { video, audio, seconds, ffmpegPath, folder }
      const began = performance.now()
      const job = await runJob(run)
      const wall = (performance.now() - began) / 1_000
      const plain = await runPlain(run)
      const rate = (cpuSeconds: number) => (seconds * FPS) / cpuSeconds
      const columns = [
        ...[name.padEnd(7), size.padEnd(9), `${sourceSeconds} s`.padStart(6)],
        ...[`${seconds} s`.padStart(6), rate(job.cpuSeconds).toFixed(1).padStart(13)],
        ...[rate(plain.cpuSeconds).toFixed(1).padStart(6), (plain.cpuSeconds / job.cpuSeconds).toFixed(2).padStart(6)],
        ...[rate(wall).toFixed(1).padStart(9), job.peakMb.toFixed().padStart(8), plain.peakMb.toFixed().padStart(9)],
      ]
      console.log(columns.join(' '))
    }
}

const folder = await mkdtemp(join(tmpdir(), 'lipsync-bench-'))
try {
  await main(folder)
} finally {
  await rm(folder, { recursive: true, force: true })
}
