import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** From the top down; a name stands for a file or a folder of `src`. Within a line everything may import everything. */
const LAYERS = [
  ['cli', 'index'],
  ['create-gateway'],
  ['compose-gateway', 'gateway-lifecycle'],
  ['config', 'gateway-options', 'disposal-stack', 'public-links'],
  ['option-groups'],
  ['options'],
  ['option-values'],
  ['http'],
  ['readiness'],
  ['graphql', 'rest'],
  ['uploads'],
  ['auth', 'store', 'upstream'],
  ['media'],
  ['tasks'],
  ['poller'],
  ['net'],
  ['errors', 'event-loop', 'clock', 'log', 'slots', 'rate-window'],
]

/** What a folder never imports, by the beginnings of paths; `except` lists single files. Types count as well. */
const NEVER: readonly { from: string; to: readonly string[]; except?: readonly string[] }[] = [
  { from: 'tasks/', to: ['store/', 'http/', 'graphql/', 'upstream/', 'auth/', 'cli'] },
  { from: 'tasks/service/', to: ['tasks/driver/'], except: ['tasks/driver/live-state.ts'] },
  { from: 'tasks/driver/', to: ['tasks/service/'] },
  { from: 'upstream/', to: ['auth/', 'store/', 'tasks/service/'] },
  { from: 'upstream/jogg/', to: ['upstream/engine/'] },
  { from: 'upstream/engine/', to: ['upstream/jogg/'] },
  { from: 'auth/', to: ['upstream/', 'store/', 'tasks/driver/', 'tasks/service/'] },
  { from: 'store/', to: ['upstream/', 'tasks/driver/', 'tasks/service/'] },
  { from: 'graphql/', to: ['store/', 'upstream/'] },
  { from: 'graphql/', to: ['rest/'] },
  { from: 'rest/', to: ['graphql/', 'auth/', 'store/', 'upstream/', 'tasks/driver/'] },
  { from: 'http/', to: ['store/', 'upstream/', 'tasks/driver/'] },
  { from: 'net/', to: ['tasks/'] },
]

/** Libraries that only one part of `src` may import. */
const AT_HOME: Readonly<Record<string, RegExp>> = {
  'better-sqlite3': /^store\/sqlite\//,
  'file-type': /^media\//,
  'drizzle-orm': /^store\//,
  pg: /^store\/postgres\//,
  '@pothos/core': /^graphql\//,
  'graphql-yoga': /^http\//,
  commander: /^cli/,
  jose: /^auth\//,
}

const SRC = fileURLToPath(new URL('../src', import.meta.url))
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const sources = new Map(files.map(file => [file, readFileSync(join(SRC, file), 'utf8')]))
function importsOf(file: string): string[] {
  return [...(sources.get(file) ?? '').matchAll(/(?:from |import\(|import )'(\.[^']+)\.js'/g)].map(([, path = '']) =>
    normalize(join(dirname(file), `${path}.ts`)),
  )
}
function layerOf(file: string) {
  return LAYERS.findIndex(layer => layer.includes(file.replace(/\.ts$/, '').split('/')[0] ?? ''))
}

test('imports only point down', () => {
  expect(files.filter(file => layerOf(file) < 0)).toEqual([])
  expect(importsOf('compose-gateway.ts')).toContain('http/edge.ts')
  const upward = files.flatMap(file =>
    importsOf(file).flatMap(other => (layerOf(other) < layerOf(file) ? [`${file} → ${other}`] : [])),
  )
  expect(upward).toEqual([])
})

test.each(NEVER)('$from never imports $to', ({ from, to, except = [] }) => {
  const forbidden = files
    .filter(file => file.startsWith(from))
    .flatMap(file =>
      importsOf(file).flatMap(other =>
        to.some(start => other.startsWith(start)) && !except.includes(other) ? [`${file} → ${other}`] : [],
      ),
    )
  expect(forbidden).toEqual([])
})

test('a library is imported by the part that it belongs to', () => {
  const strays = Object.entries(AT_HOME).flatMap(([library, home]) =>
    files.filter(file => !home.test(file) && new RegExp(`from '${library}['/]`).test(sources.get(file) ?? '')),
  )
  expect(strays).toEqual([])
})

test('http takes only types, permissions and the error of the store from the domain', () => {
  const values = files
    .filter(file => file.startsWith('http/'))
    .flatMap(file =>
      [...(sources.get(file) ?? '').matchAll(/^import (?!type )[^\n]*?from '\.\.\/(tasks\/[^']+)\.js'/gm)].map(
        ([, path]) => `${file} → ${path}.ts`,
      ),
    )
  expect(values.filter(line => !/(service\/permissions|store-error)\.ts$/.test(line))).toEqual([])
})

test('no file is alone in its folder', () => {
  const folders = new Map<string, number>()
  for (const file of files) folders.set(dirname(file), (folders.get(dirname(file)) ?? 0) + 1)
  const parents = new Set([...folders.keys()].map(folder => dirname(folder)))
  expect([...folders].flatMap(([folder, count]) => (count < 2 && !parents.has(folder) ? [folder] : []))).toEqual([])
})

test('every import leads to a file, and there is no cycle', () => {
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
  // The worker process gets a part of the environment.
  const outside = files.filter(file => !/^(cli\b|upstream\/engine\/worker-process\.ts$)/.test(file))
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
