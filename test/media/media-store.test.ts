import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMediaStore } from '../../src/media/media-store.js'
import { temporaryFolder } from '../support/engine-media.js'

const store = createMediaStore('data')
const id = '0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9'

test('a path leads to the file in the folder of its id', () => {
  const video = store.resolve(`/media/${id}/lipsync.mp4`)
  expect(video).toBe(resolve('data', 'media', id, 'lipsync.mp4'))
  expect(store.resolve(`/media/${id}/cover.jpg`)).toBe(resolve('data', 'media', id, 'cover.jpg'))
})

test('the bundled sample is in the package', () => {
  expect(existsSync(store.resolve('/media/sample/presenter.mp4') ?? '')).toBe(true)
  expect(existsSync(store.resolve('/media/sample/speech.m4a') ?? '')).toBe(true)
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
  expect(store.resolve(pathname)).toBeNull()
})

test('no path leaves the media folder', () => {
  const piece = fc.oneof(fc.constantFrom('..', '.', '', 'media', id, 'lipsync.mp4', '%2e%2e', '\\', '\0'), fc.string())
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), pieces => {
      const found = store.resolve(`/media/${pieces.join('/')}`)
      if (found === null) return
      expect(isAbsolute(found)).toBe(true)
      expect(relative(resolve('data', 'media'), found)).not.toMatch(/^\.\./)
    }),
  )
})

test('a stored file is found by its public path, is private, and can be deleted', async () => {
  await using folder = await temporaryFolder()
  const media = createMediaStore(folder.path)
  const source = join(folder.path, 'finished')
  await writeFile(source, 'content')
  await media.put(id, 'cover.jpg', source)
  expect(media.publicPath(id, 'cover.jpg')).toBe(`/media/${id}/cover.jpg`)
  const stored = media.resolve(media.publicPath(id, 'cover.jpg')) ?? ''
  expect(await readFile(stored, 'utf8')).toBe('content')
  expect(existsSync(source)).toBe(false)
  const modes = await Promise.all([stored, join(stored, '..'), join(stored, '../..')].map(path => stat(path)))
  if (process.platform !== 'win32') expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o600, 0o700, 0o700])
  await media.delete(id)
  await media.delete(id)
  expect(existsSync(stored)).toBe(false)
})

test.each([
  ['../../../../../etc', 'a.mp4'],
  ['short', 'a.mp4'],
  [id, '../a.mp4'],
  [id, 'a.html'],
])('a file cannot be stored as %j/%j, and deleting that id does nothing', async (mediaId, name) => {
  await using folder = await temporaryFolder()
  const source = join(folder.path, 'finished')
  await writeFile(source, 'content')
  const media = createMediaStore(folder.path)
  await expect(media.put(mediaId, name, source)).rejects.toThrow('Not a media id and name')
  await media.delete(mediaId)
  expect(existsSync(source)).toBe(true)
})
