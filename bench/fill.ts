import type { Database } from 'better-sqlite3'

export const STEPS_PER_TASK = 5

/**
 * Adds finished tasks of one caller with five steps each, straight into the tables: a million of them take a minute,
 * where creating them one by one would take hours.
 */
export function fillFinishedTasks(sqlite: Database, caller: string, count: number): void {
  const first = (sqlite.prepare('SELECT coalesce(max(seq), 0) AS seq FROM transitions').get() as { seq: number }).seq
  const now = Date.now()
  const at = `${now - count} + n`
  // Task n has the steps first + 5n + 1 to first + 5n + 5; its id sorts like its number.
  const id = `printf('%08x-0000-7000-8000-%012x', ${Math.floor(now / 65_536) % 2 ** 32}, n)`
  const shared = `queued_at, queued_mono, attempted_at, attempted_mono, upstream_id, submitted_at, submitted_mono,
    started_at, completed_at, result_url, duration_ms, cost_cents`
  const state = (step: string) => `
    CASE WHEN ${step} < 2 THEN ${at} END, CASE WHEN ${step} < 2 THEN n END,
    CASE WHEN ${step} = 1 THEN ${at} END, CASE WHEN ${step} = 1 THEN n END,
    CASE WHEN ${step} > 1 THEN 'up-${first}-' || n END, CASE WHEN ${step} > 1 THEN ${at} END,
    CASE WHEN ${step} > 1 THEN n END, CASE WHEN ${step} > 2 THEN ${at} END,
    CASE WHEN ${step} = 4 THEN ${at} END,
    CASE WHEN ${step} = 4 THEN 'https://media.example/' || n || '.mp4' END, CASE WHEN ${step} = 4 THEN 12500 END,
    CASE WHEN ${step} = 4 THEN 10 END`
  const numbers = (rows: number) =>
    `WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${rows})`
  sqlite.transaction(() => {
    sqlite.pragma('defer_foreign_keys = ON')
    sqlite.exec(`${numbers(count)}
      INSERT INTO tasks (id, caller, video_url, audio_url, playback_type, inputs_hash, created_at, reserved_cents,
        lookup_first, created_seq, stage, seq, checks, failures, absences, ${shared})
      SELECT ${id}, '${caller}', 'https://media.example/' || n, 'https://media.example/a', 'normal', 'hash-${first}-' || n,
        ${at}, 0, 0, ${first} + 5 * n + 1, 'success', ${first} + 5 * n + 5, 0, 0, 0, ${state('4')}
      FROM numbers`)
    sqlite.exec(`${numbers(count)}, steps(step) AS (VALUES (0), (1), (2), (3), (4))
      INSERT INTO transitions (seq, task_id, caller, at, mono, stage, ${shared})
      SELECT ${first} + 5 * n + step + 1, ${id}, '${caller}', ${at}, n,
        CASE step WHEN 0 THEN 'queued' WHEN 1 THEN 'submitting' WHEN 2 THEN 'submitted'
          WHEN 3 THEN 'processing' ELSE 'success' END, ${state('step')}
      FROM numbers, steps ORDER BY 1`)
    sqlite
      .prepare('INSERT INTO stage_counts VALUES (?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count')
      .run('success', count)
  })()
}
