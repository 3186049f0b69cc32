import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { workingRate } from '../../../src/upstream/engine/worker/frames/frame-rate.js'
import { createFrameSpool } from '../../../src/upstream/engine/worker/frames/frame-spool.js'
import { createY4mReader, perSecond, type VideoFormat } from '../../../src/upstream/engine/worker/frames/y4m.js'
import { temporaryFolder } from '../../support/engine-media.js'

const HEADER = 'YUV4MPEG2 W4 H2 F30000:1001 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2\n'

test('a stream of frames is parsed from chunks of any size', () => {
  const picture = fc.uint8Array({ minLength: 12, maxLength: 12 })
  fc.assert(
    fc.property(fc.array(picture, { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), (pictures, step) => {
      const stream = Buffer.concat([Buffer.from(HEADER), ...pictures.flatMap(p => [Buffer.from('FRAME\n'), p])])
      const formats: VideoFormat[] = []
      const frames: Uint8Array[] = []
      const read = createY4mReader({ format: f => formats.push(f), frame: f => frames.push(f.slice()) })
      for (let at = 0; at < stream.length; at += step) read(stream.subarray(at, at + step))
      expect(formats).toEqual([{ width: 4, height: 2, fps: { num: 30_000, den: 1001 } }])
      expect(frames).toEqual(pictures)
    }),
  )
})

test('any other stream is refused', () => {
  const read = (text: string) => createY4mReader({ format() {}, frame() {} })(Buffer.from(text))
  expect(() => read('YUV4MPEG2 W4 H2 F25:1 C444\n')).toThrow('Not an I420 stream')
  expect(() => read(`${HEADER}something\n`)).toThrow('marker')
})

test('the working rate is between 15 and 30, and a whole multiple or fraction of the source', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 1, max: 2_000 }), (num, den) => {
      const [source, working] = [num / den, perSecond(workingRate({ num, den }))]
      expect(working).toBeGreaterThanOrEqual(14.99)
      expect(working).toBeLessThanOrEqual(30.01)
      const ratio = Math.max(source / working, working / source)
      expect(Math.abs(ratio - Math.round(ratio))).toBeLessThan(1e-6)
    }),
  )
  const rates = ([25, 30, 50, 60, 120, 12, 1] as const).map(num => perSecond(workingRate({ num, den: 1 })))
  expect(rates).toEqual([25, 30, 25, 30, 30, 24, 15])
})

test('spooled frames are read back in any order', async () => {
  await using folder = await temporaryFolder()
  using spool = createFrameSpool(join(folder.path, 'spool'), 3)
  for (const value of [1, 2, 3]) spool.append(new Uint8Array(3).fill(value))
  expect(spool.frames).toBe(3)
  const frame = new Uint8Array(3)
  const read = (index: number) => {
    spool.read(index, frame)
    return frame[2]
  }
  expect([2, 0, 1, 2].map(read)).toEqual([3, 1, 2, 3])
  expect(() => read(3)).toThrow('not in the spool')
})

test('a format is refused before memory for its frames is allocated', () => {
  const read = createY4mReader({
    format() {
      throw new Error('too large')
    },
    frame() {},
  })
  expect(() => read(Buffer.from('YUV4MPEG2 W2000000 H2000000 F25:1 C420\n'))).toThrow('too large')
})

test('a line without an end is refused', () => {
  const read = createY4mReader({ format() {}, frame() {} })
  expect(() => read(Buffer.alloc(2_000, 'x'))).toThrow('line is too long')
})
