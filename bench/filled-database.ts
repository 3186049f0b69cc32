import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Database } from '../src/store/sqlite/load-sqlite.js'
import { fillFinishedTasks } from './fill.js'
import { migrate } from './gateway-process.js'

const SOURCES = ['../drizzle/sqlite/', 'fill.ts'].map(path => fileURLToPath(new URL(path, import.meta.url)))

/**
 * The path of a database with so many finished tasks. It is kept in the folder for temporary files and used again, until
 * the tables change.
 */
export function filledDatabase(tasks: number): string {
  const path = join(tmpdir(), `lipsync-bench-${tasks}-${fingerprint()}.db`)
  if (existsSync(path)) return path
  const began = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'lipsync-fill-'))
  try {
    migrate({ DATA_DIR: folder })
    const file = join(folder, 'gateway.db')
    const sqlite = new Database(file)
    sqlite.pragma('journal_mode = OFF')
    sqlite.pragma('synchronous = OFF')
    sqlite.pragma('cache_size = -500000')
    fillFinishedTasks(sqlite, 'open', tasks)
    sqlite.close()
    renameSync(file, path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.error(`${tasks} tasks filled in ${((performance.now() - began) / 1_000).toFixed(0)} s: ${path}`)
  return path
}

function fingerprint(): string {
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    const files = source.endsWith('/') ? readdirSync(source).filter(name => name.endsWith('.sql')) : ['']
    for (const name of files) hash.update(readFileSync(join(source, name)))
  }
  return hash.digest('hex').slice(0, 12)
}
