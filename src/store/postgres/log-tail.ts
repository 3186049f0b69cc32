import type { Clock } from '../../clock.js'
import type { Change, ChangedTask } from '../../tasks/change-feed.js'
import type { Stage } from '../../tasks/task.js'
import type { Connection } from '../connection.js'
import type { Work } from '../statement.js'

/** Reads the end of the log for transitions that no notification reported. */
export interface LogTail {
  /** The transition was reported. */
  reported(seq: number): void
  /** Reads the end of the log and reports what was not. */
  read(): Promise<void>
}

type Transition = Change & { readonly kind: 'transition' }

/** Longer than any transaction may take: until then a step can appear below others that are visible already. */
const SETTLED_MS = 20_000
/** How far before the end the first read begins. What is there was read by everyone who follows from now on. */
const BEFORE_START = 1_000
const PAGE = 5_000
const PAGE_OF_STEPS = 500

/** @param report is called with each transition that was not reported, in the order of the log */
export function createLogTail(
  { prepareSql, read }: Connection,
  clock: Pick<Clock, 'monotonic'>,
  report: (change: Transition) => void,
): LogTail {
  const end = prepareSql<{ seq: number }>('SELECT coalesce(max(seq), 0) AS seq FROM transitions')
  const after = prepareSql<{ seq: number }>(`SELECT seq FROM transitions WHERE seq > @seq ORDER BY seq LIMIT ${PAGE}`)
  const steps = prepareSql<ChangedTask & { readonly from: Stage | null }>(`
    SELECT step.seq, step.stage, step.task_id AS id, step.caller, step.reference, tasks.retry_of AS "retryOf",
      tasks.created_at AS "createdAt", (
        SELECT stage FROM transitions AS before WHERE before.task_id = step.task_id AND before.seq < step.seq
        ORDER BY before.seq DESC LIMIT 1
      ) AS from
    FROM transitions AS step JOIN tasks ON tasks.id = step.task_id
    WHERE step.seq = ANY(@seqs::bigint[]) ORDER BY step.seq`)

  const known = new Set<number>()
  /** The end of the log at earlier times. Below the first of them nothing appears any more. */
  let ends: { readonly mono: number; readonly seq: number }[] = []
  let hasRead = false

  function* unreported(low: number): Work<Transition[]> {
    const found: Transition[] = []
    let seqs: number[]
    do {
      seqs = (yield* after.all({ seq: low })).map(({ seq }) => seq)
      low = seqs.at(-1) ?? low
      const unknown = seqs.filter(seq => !known.has(seq))
      for (let i = 0; i < unknown.length; i += PAGE_OF_STEPS)
        for (const { from, ...task } of yield* steps.all({ seqs: unknown.slice(i, i + PAGE_OF_STEPS) }))
          found.push({ kind: 'transition', task, from })
    } while (seqs.length === PAGE)
    return found
  }

  /** Returns the number from which on all is read again. */
  function settledUntil(now: number, seq: number): number {
    const latest = ends.at(-1)
    if (!latest || seq < latest.seq) {
      // The database went back in time: its numbers begin anew.
      known.clear()
      ends = [{ mono: now, seq: Math.max(seq - BEFORE_START, 0) }]
    }
    ends.push({ mono: now, seq })
    while (ends[1] && ends[1].mono <= now - SETTLED_MS) ends.shift()
    const low = ends[0]!.seq
    for (const reported of known) if (reported <= low) known.delete(reported)
    return low
  }

  async function readOnce() {
    const now = clock.monotonic()
    const { seq } = (await read(() => end.get()))!
    const isFirst = !hasRead
    const changes = await read(() => unreported(settledUntil(now, seq)))
    hasRead = true
    for (const change of changes) {
      if (known.has(change.task.seq)) continue
      known.add(change.task.seq)
      if (!isFirst) report(change)
    }
  }

  let reading = Promise.resolve()
  return {
    reported: seq => void known.add(seq),
    read() {
      reading = reading.then(readOnce, readOnce)
      return reading
    },
  }
}
