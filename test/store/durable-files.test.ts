import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { writeDurably } from '../../src/media/durable-files.js'

test('replaces a file as a whole and restricts it, whatever an earlier write left behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'durable-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'file')
  writeFileSync(path, 'a long earlier text', { mode: 0o644 })
  writeFileSync(`${path}.part`, 'a longer text of a write that was cut off', { mode: 0o644 })
  await writeDurably(path, 'new')
  expect(await readFile(path, 'utf8')).toBe('new')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['file'])
})
