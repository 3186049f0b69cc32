import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Change } from '../../tasks/change-feed.js'
import { NEXT, type Stage } from '../../tasks/task.js'

/** What one NOTIFY carries. */
export interface Notification {
  /** The gateway that sent it; null: a tool. */
  readonly sender: string | null
  readonly changes: readonly Change[]
}

/** Postgres takes fewer than 8,000 bytes. */
const MAX_BYTES = 7_900
/** The longest name of a channel, in bytes. */
const MAX_CHANNEL = 63

const stage = z.enum(Object.keys(NEXT) as [Stage, ...Stage[]])
/** The names are short because the space is. A newer version may add fields. */
const schema = z.object({
  /** The sender. */
  s: z.string().nullable(),
  /** Transitions: the number, the stage before, and what `ChangedTask` has of the task. */
  t: z
    .array(
      z.tuple([
        z.int(),
        stage.nullable(),
        stage,
        z.string(),
        z.string(),
        z.string().nullable(),
        z.string().nullable(),
        z.number(),
      ]),
    )
    .optional(),
  /** Tasks whose live values changed. */
  r: z.array(z.string()).optional(),
  /** Whether keys changed. */
  k: z.boolean().optional(),
})
type Payload = z.infer<typeof schema>

/** The channel of the gateways whose tables are in a schema: channels belong to the whole database. */
export function channelOf(schemaName: string): string {
  const name = `lipsync_${schemaName}`
  if (Buffer.byteLength(name) <= MAX_CHANNEL) return name
  return `lipsync_${createHash('sha256').update(schemaName).digest('hex').slice(0, 40)}`
}

/** Returns as few payloads as the changes fit into. Of equal refreshes, one is left. */
export function encodeChanges(sender: string, changes: readonly Change[]): string[] {
  const payloads: string[] = []
  let payload = empty(sender)
  let bytes = 0
  for (const change of uniqueRefreshes(changes)) {
    const size = Buffer.byteLength(JSON.stringify(change))
    if (bytes > 0 && bytes + size > MAX_BYTES) {
      payloads.push(JSON.stringify(payload))
      payload = empty(sender)
      bytes = 0
    }
    add(payload, change)
    bytes += size
  }
  return bytes > 0 ? [...payloads, JSON.stringify(payload)] : payloads
}

export function encodeKeysChanged(): string {
  return JSON.stringify({ s: null, k: true } satisfies Payload)
}

/** Null: the text is not a notification that this version understands. */
export function decodeNotification(text: string): Notification | null {
  const { data } = schema.safeParse(parsed(text))
  if (!data) return null
  const changes: Change[] = []
  for (const [seq, from, stage, id, caller, reference, retryOf, createdAt] of data.t ?? [])
    changes.push({ kind: 'transition', task: { seq, stage, id, caller, reference, retryOf, createdAt }, from })
  for (const taskId of data.r ?? []) changes.push({ kind: 'refresh', taskId })
  if (data.k) changes.push({ kind: 'keys' })
  return { sender: data.s, changes }
}

function empty(sender: string): Payload & { t: NonNullable<Payload['t']>; r: string[] } {
  return { s: sender, t: [], r: [] }
}

/** Each change takes less space in a payload than as an object by itself. */
function add(payload: ReturnType<typeof empty>, change: Change): void {
  switch (change.kind) {
    case 'transition': {
      const { seq, stage, id, caller, reference, retryOf, createdAt } = change.task
      payload.t.push([seq, change.from, stage, id, caller, reference, retryOf, createdAt])
      break
    }
    case 'refresh':
      payload.r.push(change.taskId)
      break
    case 'keys':
      payload.k = true
  }
}

function uniqueRefreshes(changes: readonly Change[]): Change[] {
  const refreshed = new Set<string>()
  return changes.filter(change => {
    if (change.kind !== 'refresh') return true
    const isNew = !refreshed.has(change.taskId)
    refreshed.add(change.taskId)
    return isNew
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
