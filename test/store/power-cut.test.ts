import fs, { appendFileSync, copyFileSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { TaskStore } from '../../src/tasks/task-store.js'
import { meddle, newDatabase, openTestStore } from '../support/database.js'
import { newTask, queue, submitted } from '../support/store-contract.js'

const ROUNDS = 12
const STAGES = ['queued', 'submitting', 'submitted']

/** A copy of the database as a flush found it, and what was reported between the end of this flush and that of the next. */
interface Copy {
  readonly path: string
  reported: Map<string, string>
}

test('after a power cut at any moment, the disk has every task and every step that was reported', async () => {
  const file = await newDatabase()
  await using store = await openTestStore(`file:${file}`)
  const copies: Copy[] = []
  let flushed: Copy | null = null
  interceptFlushes(async flush => {
    const copy = { path: `${file}.${copies.length}`, reported: new Map() }
    for (const part of ['', '-wal']) copyFileSync(file + part, copy.path + part)
    copies.push(copy)
    // Slow, so that other writes arrive meanwhile: they have to wait for the next flush.
    await Promise.all([flush(), wait(1)])
    copy.reported = new Map(flushed?.reported)
    flushed = copy
  })
  const report = (id: string, stage: string) => void flushed?.reported.set(id, stage)

  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([1, 2, 3].map(n => live(store.tasks, `${round}-${n}`, report)))
    if (round % 4 === 3) meddle(file, db => db.pragma('wal_checkpoint(PASSIVE)'))
  }

  expect(copies.length).toBeGreaterThan(ROUNDS)
  expect(copies.at(-1)?.reported.size).toBe(3 * ROUNDS)
  // The disk may also have a part of what was written after the flush, which ends in the middle of a row.
  const parts = fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), { seed: 1, numRuns: copies.length - 1 })
  for (const [index, part] of parts.entries()) addTornWrites(copies[index]!.path, copies[index + 1]!.path, part)
  for (const { path, reported } of copies) expect(missing(reported, path)).toEqual([])
})

/** Passes every flush of the write-ahead log through `around`. */
function interceptFlushes(around: (flush: () => Promise<void>) => Promise<void>) {
  const flush = promisify(fs.fdatasync)
  const spy = vi.spyOn(fs, 'fdatasync').mockImplementation((file, done) => {
    around(() => flush(file)).then(() => done(null), done)
  })
  onTestFinished(() => spy.mockRestore())
}

async function live(tasks: TaskStore, name: string, report: (id: string, stage: string) => void) {
  const queued = await queue(tasks, newTask({ videoUrl: `https://m.example/${name}` }))
  report(queued.id, 'queued')
  await submitted(tasks, queued, `up-${name}`)
  report(queued.id, 'submitted')
}

/** Appends a part of what the log got until the next flush. */
function addTornWrites(path: string, nextPath: string, part: number) {
  const [log, next] = [readFileSync(`${path}-wal`), readFileSync(`${nextPath}-wal`)]
  const hasGrown = next.subarray(0, log.length).equals(log)
  if (hasGrown) appendFileSync(`${path}-wal`, next.subarray(log.length, log.length + part * (next.length - log.length)))
}

/** The ids of the tasks that are missing in a database, or have not come as far there as was reported. */
function missing(reported: ReadonlyMap<string, string>, path: string): string[] {
  const rows = meddle(path, db => db.prepare<[], { id: string; stage: string }>('SELECT id, stage FROM tasks').all())
  const stages = new Map(rows.map(({ id, stage }) => [id, stage]))
  const reached = (id: string) => STAGES.indexOf(stages.get(id) ?? '')
  return [...reported].filter(([id, stage]) => reached(id) < STAGES.indexOf(stage)).map(([id]) => id)
}
