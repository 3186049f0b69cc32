/**
 * Makes the README's picture anew: `npx tsx test/support/media/make-contact-sheet.ts`. It has the built-in engine speak the bundled
 * speech with the bundled presenter, and lays some frames side by side: as they were above, as they were made below.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { resolveLimits } from '../../../src/upstream/engine/job-limits.js'
import { QUIET, readFrom, writeTo } from '../../../src/upstream/engine/worker/ffmpeg/ffmpeg.js'
import { createWasmFfmpeg } from '../../../src/upstream/engine/worker/ffmpeg/wasm-ffmpeg.js'
import { makeLipSync, OUTPUTS } from '../../../src/upstream/engine/worker/make-lip-sync.js'

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
  const inputs = { video: { file: join(SAMPLE, 'presenter.mp4') }, audio: { file: join(SAMPLE, 'speech.m4a') } }
  const rest = { folder, limits: resolveLimits(), allowedHosts: [], ffmpegPath: null }
  const made = await makeLipSync({ ...inputs, ...rest, playbackType: 'normal_reverse' }, ffmpeg)
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
  const videos = ['-i', readFrom(inputs.video.file), '-i', readFrom(join(folder, OUTPUTS.video))]
  const args = [...QUIET, ...videos, ...picture, '-f', 'image2', '-update', '1', writeTo(SHEET)]
  const { exitCode, log } = await ffmpeg.run(args)
  if (exitCode !== 0) throw new Error(log.join('\n'))
  console.log(SHEET, made)
} finally {
  await rm(folder, { recursive: true, force: true })
}
