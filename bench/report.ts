import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import type { Results } from './compare.js'
import { BARE, MERCURIUS, peerVersions } from './install-peers.js'

/** A column of a table: a figure, and how it is written. */
interface Column {
  readonly head: string
  readonly measure: string
  readonly figure: string
  readonly digits?: number
}

export interface Table {
  readonly title: string
  readonly columns: readonly Column[]
  /** The rows that follow, one contestant divided by another. */
  readonly ratios?: boolean
}

const CALLS = [
  ['read', 'read'],
  ['list of 20', 'list'],
  ['create', 'create'],
] as const

/** The tables of a comparison. */
export const TABLES: readonly Table[] = [
  {
    title: 'Processor time of the server for each unit, in microseconds',
    columns: [
      ...CALLS.map(([head, measure]) => ({ head, measure, figure: 'cpu' })),
      { head: 'delivery to one follower', measure: 'push', figure: 'cpu' },
    ],
    ratios: true,
  },
  {
    title: 'Calls in a second (16 readers or 32 creators, each with one call at a time)',
    columns: CALLS.map(([head, measure]) => ({ head, measure, figure: 'perSecond' })),
    ratios: true,
  },
  {
    title: 'Latency in milliseconds',
    columns: [
      ...CALLS.flatMap(([head, measure]) => [
        { head: `${head} p50`, measure, figure: 'p50', digits: 1 },
        { head: 'p99', measure, figure: 'p99', digits: 1 },
      ]),
      { head: 'push p50', measure: 'push', figure: 'p50', digits: 1 },
      { head: 'p99', measure: 'push', figure: 'p99', digits: 1 },
    ],
  },
  {
    title: 'Reads while 32 callers create, in milliseconds',
    columns: [
      { head: 'p99 alone', measure: 'storm', figure: 'calmP99', digits: 1 },
      { head: 'p99 meanwhile', measure: 'storm', figure: 'stormP99', digits: 1 },
      { head: 'ratio', measure: 'storm', figure: 'ratio', digits: 1 },
    ],
  },
  {
    title: 'Start and memory',
    columns: [
      { head: 'start, ms', measure: 'start', figure: 'ms' },
      { head: 'memory then, MB', measure: 'start', figure: 'mb' },
      { head: 'memory of an idle follower, KB', measure: 'idle', figure: 'kbPerFollower', digits: 1 },
    ],
  },
]

export interface RunInfo {
  readonly date: string
  readonly machine: string
  readonly load: string
  readonly node: string
  readonly packages: readonly string[]
}

export function runInfo(withPeers: boolean): RunInfo {
  const cores = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cores.length} cores of ${cores[0]?.model.trim()}, ${memory} GB`,
    load: loadavg()[0]?.toFixed(1) ?? '?',
    node: process.version,
    packages: withPeers ? peerVersions() : [],
  }
}

export function markdown(info: RunInfo, results: Results, tables: readonly Table[]): string {
  return [describeRun(info), ...tables.map(table => render(table, results))].join('\n\n')
}

export function describeRun({ date, machine, load, node, packages }: RunInfo): string {
  const versions = [`Node ${node}`, ...packages].join(', ')
  return `Measured on ${date} with ${machine}, load ${load} at the start; ${versions}.`
}

export function renderRows(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

export function format(figure: number | undefined, digits = 0): string {
  if (figure === undefined) return '–'
  return figure.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** Replaces what is between the two markers of the file. */
export function writeBetweenMarkers(file: string, marker: string, text: string): void {
  const [begin, end] = [`<!-- ${marker}: begin -->`, `<!-- ${marker}: end -->`]
  const old = readFileSync(file, 'utf8')
  const [from, to] = [old.indexOf(begin), old.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} lacks the markers ${begin} and ${end}.`)
  writeFileSync(file, `${old.slice(0, from + begin.length)}\n${text}\n${old.slice(to)}`)
}

function render({ title, columns, ratios }: Table, results: Results): string {
  const rows = Object.entries(results).map(([name, measures]) => [
    name,
    ...columns.map(({ measure, figure, digits }) => format(measures[measure]?.[figure], digits)),
  ])
  const divided = ratios ? [BARE.name, MERCURIUS.name].flatMap(name => ratioRow(name, columns, results)) : []
  return `**${title}**\n\n${renderRows(['', ...columns.map(({ head }) => head)], [...rows, ...divided])}`
}

function ratioRow(divisor: string, columns: readonly Column[], results: Results): string[][] {
  const [gateway, other] = [results.gateway, results[divisor]]
  if (!gateway || !other) return []
  const ratios = columns.map(({ measure, figure }) => {
    const [a, b] = [gateway[measure]?.[figure], other[measure]?.[figure]]
    return format(a !== undefined && b !== undefined ? a / b : undefined, 2)
  })
  return [[`*gateway / ${divisor}*`, ...ratios.map(ratio => `*${ratio}*`)]]
}
