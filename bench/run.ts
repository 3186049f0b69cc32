import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sizes } from './measures/measure.js'
import { writeBetweenMarkers } from './report.js'

export interface Output {
  readonly quick: boolean
  readonly rounds: number
  /** Files to write the figures to. */
  readonly json?: string | undefined
  readonly write?: string | undefined
}

export const SIZES: Readonly<Record<'full' | 'quick', Sizes>> = {
  full: { reads: 5_000, lists: 1_000, creates: 2_000, followers: 2_000, idleFollowers: 10_000 },
  quick: { reads: 100, lists: 20, creates: 64, followers: 20, idleFollowers: 50 },
}

const TIME_LIMIT_MS = 30 * 60_000

/** Runs the work with a temporary folder, for at most half an hour. */
export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lipsync-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  setTimeout(() => {
    console.error(`Stopped after ${TIME_LIMIT_MS / 60_000} minutes.`)
    process.exit(1)
  }, TIME_LIMIT_MS).unref()
  await work(folder)
}

/** Prints the tables and writes the files that were asked for. */
export function publish({ json, write }: Output, marker: string, figures: object, tables: string): void {
  console.log(tables)
  if (json) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`)
  if (write) writeBetweenMarkers(write, marker, tables)
}
