import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { type ApiError, FOLLOW_ALL, FOLLOW_ONE, isTransient, type TaskEvent } from './api.js'
import type { RollDice } from './dice.js'

const RETRY_MS = 100
/** A connection that is not acknowledged after this time is given up. */
const PATIENCE_MS = 3_000
const BEGINNING = '0'

/** What a follower received. */
export interface FollowerRecord {
  /** The task; null: all tasks. */
  readonly id: string | null
  /** What it received of each history: a new chapter begins when its cursor is refused as one of another history. */
  readonly chapters: Chapter[]
  /** Events received again with the latest cursor. */
  repeated: number
  /** How often it lost its connection and went on from its cursor. */
  reconnects: number
  /** Whether the gateway completed the subscription: there is nothing more to come. */
  ended: boolean
  /** Whether the gateway said that it has no such task. */
  notFound: boolean
  readonly surprises: string[]
}

export interface Chapter {
  /** The epoch of its cursors; null before the first. */
  epoch: string | null
  /** The cursors of the transitions, in the order in which they arrived. */
  readonly cursors: number[]
}

export function newFollowerRecord(id: string | null): FollowerRecord {
  return {
    id,
    chapters: [{ epoch: null, cursors: [] }],
    repeated: 0,
    reconnects: 0,
    ended: false,
    notFound: false,
    surprises: [],
  }
}

export function latestChapter({ chapters }: FollowerRecord): Chapter {
  return chapters.at(-1)!
}

/** Follows one task, or all, over real WebSockets, and goes on from its cursor whenever the connection is lost. */
export async function follow(
  parts: { url: () => string; roll: RollDice; stopping: AbortSignal },
  record: FollowerRecord,
): Promise<void> {
  const { url, roll, stopping } = parts
  const { id } = record
  for (let life = 0; !record.ended && !stopping.aborted; life++) {
    const dice = roll('follower', id === null ? 'all' : 'one', record.chapters[0]!.cursors[0] ?? 0, life)
    // Some leave by themselves in the middle of a replay.
    let patience = dice.chance(0.5) ? Math.ceil(dice.between(1, 30)) : Number.POSITIVE_INFINITY
    let open = false
    // A socket that is cut while it opens throws where nothing can catch it: it is cut as soon as it is open.
    const leave = () => {
      if (open) client.terminate()
    }
    const client = createClient({
      url: `${url().replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionAckWaitTimeout: PATIENCE_MS,
      on: {
        connected() {
          open = true
          if (stopping.aborted) leave()
        },
        closed() {
          open = false
        },
      },
    })
    stopping.addEventListener('abort', leave)
    try {
      const variables = { ...(id === null ? {} : { id }), after: cursorOf(latestChapter(record)) }
      const query = id === null ? FOLLOW_ALL : FOLLOW_ONE
      for await (const { data, errors } of client.iterate<{ it: TaskEvent }>({ query, variables })) {
        // Errors end the subscription, which is then made again.
        if (errors) throw errors
        if (data) receive(record, data.it)
        if (--patience === 0) leave()
      }
      record.ended = true
    } catch (thrown) {
      takeError(record, thrown)
    } finally {
      stopping.removeEventListener('abort', leave)
      leave()
    }
    if (!record.ended) await sleep(RETRY_MS * dice.between(0.1, 2))
  }
}

function receive(record: FollowerRecord, { cursor }: TaskEvent) {
  const chapter = latestChapter(record)
  const [, epoch, digits] = /^(.+)-(\d+)$/.exec(cursor) ?? []
  if (epoch === undefined || (chapter.epoch !== null && chapter.epoch !== epoch))
    record.surprises.push(`cursor ${cursor} after ${cursorOf(chapter)}`)
  chapter.epoch = epoch ?? null
  // The latest event of one task comes again when its live values change, and to a follower that reconnects.
  if (record.id !== null && Number(digits) === chapter.cursors.at(-1)) record.repeated++
  else chapter.cursors.push(Number(digits))
}

function cursorOf({ epoch, cursors }: Chapter): string {
  return epoch === null || cursors.length === 0 ? BEGINNING : `${epoch}-${cursors.at(-1)}`
}

/** Errors of the operation come as a list; anything else is a lost connection. */
function takeError(record: FollowerRecord, thrown: unknown) {
  const errors: readonly ApiError[] = Array.isArray(thrown) ? thrown : []
  const code = errors[0]?.extensions?.code
  if (code === 'CURSOR_UNKNOWN') record.chapters.push({ epoch: null, cursors: [] })
  else if (code === 'NOT_FOUND' && record.id !== null) record.ended = record.notFound = true
  else if (errors.length === 0 || isTransient(errors)) record.reconnects++
  else record.surprises.push(JSON.stringify(errors))
}
