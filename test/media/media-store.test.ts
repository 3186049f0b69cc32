import { existsSync } from 'node:fs'
import { isAbsolute, relative, resolve } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMediaStore } from '../../src/media/media-store.js'

const files = createMediaStore('data')
const id = '0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9'

test('the two files of a result are found in the folder that its id names', () => {
  const video = files.resolve(`/media/${id}/lipsync.mp4`)
  expect(video).toBe(resolve('data', 'media', id, 'lipsync.mp4'))
  expect(files.resolve(`/media/${id}/cover.jpg`)).toBe(resolve('data', 'media', id, 'cover.jpg'))
})

test('the sample is found in the package', () => {
  expect(existsSync(files.resolve('/media/sample/presenter.mp4') ?? '')).toBe(true)
  expect(existsSync(files.resolve('/media/sample/speech.m4a') ?? '')).toBe(true)
})

test.each([
  '/media/',
  `/media/${id}`,
  `/media/${id}/`,
  `/media/${id}/lipsync.mp4.part`,
  `/media/${id}/../lipsync.mp4`,
  `/media/${id}/%2e%2e/lipsync.mp4`,
  '/media/../jobs/done/x.json',
  '/media/sample/../presenter.mp4',
  '/media/sample/make.ts',
  '/media/sample/..mp4',
  `//media/${id}/lipsync.mp4`,
  `/media/${id}/lipsync.mp4\n`,
])('%j names no file', pathname => {
  expect(files.resolve(pathname)).toBeNull()
})

test('no path leads out of the media folder', () => {
  const piece = fc.oneof(fc.constantFrom('..', '.', '', 'media', id, 'lipsync.mp4', '%2e%2e', '\\', '\0'), fc.string())
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), pieces => {
      const found = files.resolve(`/media/${pieces.join('/')}`)
      if (found === null) return
      expect(isAbsolute(found)).toBe(true)
      expect(relative(resolve('data', 'media'), found)).not.toMatch(/^\.\./)
    }),
  )
})
