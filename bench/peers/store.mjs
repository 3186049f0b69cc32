/**
 * The tasks of a peer in SQLite: prepared statements, one transaction for each create. Not durable like the gateway's:
 * with `synchronous = NORMAL`, a power cut may lose the latest commits, and none waits for the disk.
 */
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'

// The build that the gateway uses, see `src/store/sqlite/load-sqlite.ts`.
const require = createRequire(import.meta.url)
const Database = require(process.versions.node.startsWith('20.') ? 'better-sqlite3-node-20' : 'better-sqlite3')

export function openStore(file = process.argv[2]) {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  database.exec(`CREATE TABLE IF NOT EXISTS tasks (seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, stage TEXT NOT NULL,
    videoUrl TEXT NOT NULL, audioUrl TEXT NOT NULL, reference TEXT, createdAt INTEGER NOT NULL, submittedAt INTEGER,
    completedAt INTEGER)`)
  const insert = database.prepare(`INSERT INTO tasks (id, stage, videoUrl, audioUrl, reference, createdAt)
    VALUES (?, 'QUEUED', ?, ?, ?, ?)`)
  const byId = database.prepare('SELECT * FROM tasks WHERE id = ?')
  const newest = database.prepare('SELECT * FROM tasks ORDER BY seq DESC LIMIT ?')
  const update = database.prepare(`UPDATE tasks SET stage = 'PROCESSING', submittedAt = ? WHERE id = ?`)

  function get(id) {
    const row = byId.get(id)
    return row ? toTask(row) : null
  }
  return {
    get,
    list: first => newest.all(first).map(toTask),
    create({ videoUrl, audioUrl, reference = null }) {
      const id = randomUUID()
      insert.run(id, videoUrl, audioUrl, reference, Date.now())
      return get(id)
    },
    /** Moves the task to the next stage and returns the event that its followers get. */
    advance(id) {
      update.run(Date.now(), id)
      const task = get(id)
      return { cursor: task.cursor, stage: task.stage, status: task.status, task }
    },
  }
}

function toTask({ seq, id, stage, videoUrl, audioUrl, reference, createdAt, submittedAt, completedAt }) {
  return {
    ...{ id, stage, videoUrl, audioUrl, reference, playbackType: 'NORMAL', cursor: `0-${seq}` },
    status: stage === 'QUEUED' ? 'PENDING' : stage,
    createdAt: new Date(createdAt).toISOString(),
    submittedAt: submittedAt && new Date(submittedAt).toISOString(),
    completedAt: completedAt && new Date(completedAt).toISOString(),
  }
}
