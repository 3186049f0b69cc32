import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** From the top down; a name stands for a file or a folder of `src`. Within a line everything may import everything. */
const LAYERS = [
  ['cli', 'index', 'sample'],
  ['create-gateway'],
  ['compose-gateway'],
  ['config', 'options', 'gateway-options', 'disposal-stack', 'public-links'],
  ['readiness'],
  ['http'],
  ['graphql'],
  ['auth', 'store', 'upstream'],
  ['tasks'],
  ['errors', 'poller', 'clock', 'log', 'slots'],
]

const SRC = fileURLToPath(new URL('../src', import.meta.url))
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const sources = new Map(files.map(file => [file, readFileSync(join(SRC, file), 'utf8')]))
const importsOf = (file: string): string[] =>
  [...(sources.get(file) ?? '').matchAll(/(?:from |import\(|import )'(\.[^']+)\.js'/g)].map(([, path = '']) =>
    normalize(join(dirname(file), `${path}.ts`)),
  )
const layerOf = (file: string) =>
  LAYERS.findIndex(layer => layer.includes(file.replace(/\.ts$/, '').split('/')[0] ?? ''))

test('imports only point down', () => {
  expect(files.filter(file => layerOf(file) < 0)).toEqual([])
  expect(importsOf('compose-gateway.ts')).toContain('http/server.ts')
  const upward = files.flatMap(file =>
    importsOf(file).flatMap(other => (layerOf(other) < layerOf(file) ? [`${file} → ${other}`] : [])),
  )
  expect(upward).toEqual([])
})

test('every import leads to a file, and none leads back', () => {
  const seen = new Set<string>()
  const walk = (file: string, path: readonly string[]): void => {
    expect(path, 'an import cycle').not.toContain(file)
    expect(files, `what ${path.at(-1)} imports`).toContain(file)
    if (seen.has(file)) return
    for (const other of importsOf(file)) walk(other, [...path, file])
    seen.add(file)
  }
  for (const file of files) walk(file, [])
})

test('only the command line reads the environment, prints or ends the process', () => {
  const outside = files.filter(file => !/^(cli|sample)\b/.test(file))
  const touches = /\bconsole\.|\bprocess\.(env|argv|stdout|stderr|exit|exitCode)\b/
  expect(outside.filter(file => touches.test(sources.get(file) ?? ''))).toEqual([])
})

test("the gateway's process loads no code of the engine's worker", () => {
  const worker = 'upstream/engine/worker/'
  const loaded = files
    .filter(file => !file.startsWith(worker))
    .flatMap(file => importsOf(file).filter(other => other.startsWith(worker)))
  expect(new Set(loaded)).toEqual(new Set([`${worker}messages.ts`]))
})
