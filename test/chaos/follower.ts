import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { RollDice } from './dice.js'

const EVENT = 'cursor stage task { stalledSince }'
const FOLLOW_ONE = `subscription ($id: ID!, $after: String) { it: taskUpdated(id: $id, after: $after) { ${EVENT} } }`
const FOLLOW_ALL = `subscription ($after: String) { it: tasksUpdated(after: $after) { ${EVENT} } }`
const RETRY_MS = 100
/** Who waits longer to be let in tries again. */
const PATIENCE_MS = 3_000

/** What a follower was told. */
export interface Story {
  /** The task; null: all. */
  readonly id: string | null
  /** The cursors of the transitions, in the order in which they came. */
  readonly cursors: number[]
  /** The cursor to go on from. */
  cursor: string
  /** States told again, because only the task's place in the queue or its being late has changed. */
  retold: number
  /** How often it lost its connection and went on from its cursor. */
  reconnects: number
  /** Whether the gateway ended the subscription itself: there is nothing more to tell. */
  ended: boolean
  readonly surprises: string[]
}

interface Told {
  readonly it: {
    readonly cursor: string
    readonly stage: string
    readonly task: { readonly stalledSince: string | null }
  }
}

/** Follows one task, or all, by real WebSockets, and goes on from its cursor whenever the connection is lost. */
export const follow = async (
  parts: { url: string; roll: RollDice; stopping: AbortSignal },
  story: Story,
): Promise<void> => {
  const { url, roll, stopping } = parts
  for (let life = 0; !story.ended && !stopping.aborted; life++) {
    const dice = roll('follower', story.id === null ? 'all' : 'one', story.cursors[0] ?? 0, life)
    // Some leave by themselves, in the middle of what they are told.
    let patience = dice.chance(0.5) ? Math.ceil(dice.between(1, 30)) : Number.POSITIVE_INFINITY
    let open = false
    // A socket that is cut while it opens throws where nobody can catch it: that one is cut as soon as it is open.
    const leave = () => {
      if (open) client.terminate()
    }
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
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
      const variables = { id: story.id ?? undefined, after: story.cursor }
      const query = story.id === null ? FOLLOW_ALL : FOLLOW_ONE
      for await (const { data, errors } of client.iterate<Told>({ query, variables })) {
        if (errors) story.surprises.push(JSON.stringify(errors))
        if (data) hear(story, data.it)
        if (--patience === 0) leave()
      }
      story.ended = true
    } catch {
      story.reconnects++
    } finally {
      stopping.removeEventListener('abort', leave)
      leave()
    }
    if (!story.ended) await sleep(RETRY_MS * dice.between(0.1, 2))
  }
}

const hear = (story: Story, { cursor, stage, stalledSince }: Told['taskUpdated']) => {
  const seq = Number(cursor.split('-').at(-1))
  // A follower that comes back after the end gets the final event once more.
  const mayBeRetold = stage === 'QUEUED' || stalledSince !== null || FINAL.has(stage)
  if (mayBeRetold && seq === story.cursors.at(-1)) story.retold++
  else story.cursors.push(seq)
  story.cursor = cursor
}

const FINAL = new Set(['SUCCESS', 'FAILED', 'CANCELED'])
