/**
 * Makes the README's picture: `npx tsx test/support/media/make-contact-sheet.ts`. The
 * built-in engine makes a lip sync of the bundled sample. The picture shows some frames side by side, the source above
 * and the result below.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { resolveConfig } from '../../../src/config.js'
import { jobLimits } from '../../../src/upstream/engine/job-limits.js'
import { QUIET, readFrom, writeTo } from '../../../src/upstream/engine/worker/ffmpeg/ffmpeg.js'
import { createWasmFfmpeg } from '../../../src/upstream/engine/worker/ffmpeg/wasm-ffmpeg.js'
import { makeLipSync } from '../../../src/upstream/engine/worker/make-lip-sync.js'

const SAMPLE = fileURLToPath(new URL('../../../src/sample/', import.meta.url))
const SHEET = join(SAMPLE, 'contact-sheet.jpg')

/** The head of the presenter in every third frame of a word or two. Up to the source's end the frames are the same. */
const ROW = [
  "select='gte(n,34)*not(mod(n-34,3))'",
  'crop=220:270:210:40',
  'scale=150:-2:flags=lanczos',
  'tile=6x1:padding=4:color=white',
].join(',')
const FILTER = `[0:v]${ROW}[source];[1:v]${ROW}[made];[source][made]vstack`

const folder = await mkdtemp(join(tmpdir(), 'lipsync-sheet-'))
try {
  const ffmpeg = await createWasmFfmpeg()
  const outputs = { video: join(folder, 'lipsync.mp4'), cover: join(folder, 'cover.jpg') }
  const files = { videoFile: join(SAMPLE, 'presenter.mp4'), audioFile: join(SAMPLE, 'speech.m4a'), folder, outputs }
  const rest = { limits: jobLimits(resolveConfig().engine), ffmpegPath: null, playbackType: 'normal_reverse' } as const
  const made = await makeLipSync({ ...files, ...rest }, ffmpeg)
  const picture = [
    '-filter_complex',
    FILTER,
    '-frames:v',
    '1',
    '-q:v',
    '3',
    '-huffman',
    'default',
    '-pix_fmt',
    'yuvj420p',
  ]
  const videos = ['-i', readFrom(files.videoFile), '-i', readFrom(outputs.video)]
  const args = [...QUIET, ...videos, ...picture, '-f', 'image2', '-update', '1', writeTo(SHEET)]
  const { exitCode, log } = await ffmpeg.run(args)
  if (exitCode !== 0) throw new Error(log.join('\n'))
  console.log(SHEET, made)
} finally {
  await rm(folder, { recursive: true, force: true })
}
