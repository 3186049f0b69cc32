import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ApiError,
  CANCEL,
  CREATE,
  GIVE_UP,
  isTransient,
  type Payload,
  type TaskPage,
  UNFINISHED,
  type UnfinishedTask,
} from './api.js'
import type { CrashPoints } from './crash-points.js'
import type { RollDice } from './dice.js'
import type { Order } from './plan.js'

/** What the client of an order learned. */
export interface ClientRecord {
  readonly order: Order
  /** Every task id returned for its key. */
  readonly ids: Set<string>
  /** How often a call was repeated because its answer was lost. */
  repeats: number
  /** Whether the gateway said that the task is canceled. */
  canceled: boolean
  /** Whether the gateway said that it has no such task. */
  notFound: boolean
  /** Answers that no client should ever see. */
  readonly surprises: string[]
}

interface Answer<T> {
  readonly data?: { readonly it: T | null } | null
  readonly errors?: readonly ApiError[]
}

const RETRY_MS = 30
const LONGEST_RETRY_MS = 400
/** A call without an answer after this time is repeated. */
const PATIENCE_MS = 3_000

export function newClientRecord(order: Order): ClientRecord {
  return { order, ids: new Set(), repeats: 0, canceled: false, notFound: false, surprises: [] }
}

/** Clients that do not give up: a call whose answer is lost is repeated, with the same key, until it is answered. */
export function createClients(parts: {
  url: () => string
  roll: RollDice
  crashPoints: CrashPoints
  stopping: AbortSignal
}) {
  const { url, roll, crashPoints, stopping } = parts

  /** Returns null without an answer. A client loses some answers by itself, because it goes away while it waits. */
  const call = async <T>(query: string, variables: object, leaveAfterMs: number | null): Promise<Answer<T> | null> => {
    // Not AbortSignal.any: in Node 20 a time limit that only such a signal refers to may be collected, and never end.
    const leaving = new AbortController()
    const leave = () => leaving.abort()
    const timer = setTimeout(leave, leaveAfterMs ?? PATIENCE_MS)
    stopping.addEventListener('abort', leave)
    try {
      const response = await fetch(`${url()}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
        signal: leaving.signal,
      })
      const answer = (await response.json()) as Answer<T>
      return isTransient(answer.errors ?? []) ? null : answer
    } catch {
      return null
    } finally {
      clearTimeout(timer)
      stopping.removeEventListener('abort', leave)
    }
  }

  const insist = async (client: ClientRecord, query: string, variables: object): Promise<Answer<Payload> | null> => {
    for (let attempt = 0; !stopping.aborted; attempt++) {
      const dice = roll('call', client.order.key, query, attempt)
      const answer = await call<Payload>(query, variables, dice.chance(0.15) ? dice.between(1, 12) : null)
      if (answer) return answer
      client.repeats++
      await sleep(Math.min(RETRY_MS * 1.5 ** attempt, LONGEST_RETRY_MS) * dice.between(0.5, 1))
    }
    return null
  }

  const create = async (client: ClientRecord): Promise<string | null> => {
    const { key, inputs } = client.order
    const { videoUrl, audioUrl } = inputs
    const creating = insist(client, CREATE, { input: { videoUrl, audioUrl, idempotencyKey: key } })
    crashPoints.reached('create')
    const answer = await creating
    if (!answer) return null
    const id = answer.data?.it?.task?.id ?? null
    if (id === null) client.surprises.push(`create: ${JSON.stringify(answer)}`)
    else client.ids.add(id)
    return id
  }

  const cancel = async (client: ClientRecord, id: string) => {
    const answer = await insist(client, CANCEL, { id })
    if (!answer) return
    const payload = answer.data?.it
    const code = payload?.errors[0]?.code
    if (payload?.task?.stage === 'CANCELED') client.canceled = true
    else if (code === 'NOT_FOUND') client.notFound = true
    else if (code !== 'INVALID_STATE') client.surprises.push(`cancel: ${JSON.stringify(answer)}`)
  }

  return {
    /** Places an order as it says. Resolves to the id of its task. */
    async place(client: ClientRecord): Promise<string | null> {
      const [id = null] = await Promise.all(client.order.doubled ? [create(client), create(client)] : [create(client)])
      return id
    },
    create,
    cancel,
    /** Some of the tasks that have not reached their end; null without an answer. */
    async unfinished(): Promise<readonly UnfinishedTask[] | null> {
      const answer = await call<TaskPage>(UNFINISHED, {}, null)
      return answer?.data?.it?.edges.map(({ node }) => node) ?? null
    },
    /** Gives up a task that waits for the decision of a person. */
    async giveUp(id: string): Promise<boolean> {
      const answer = await call<Payload>(GIVE_UP, { id }, null)
      return !!answer?.data?.it?.task
    },
  }
}

export type Clients = ReturnType<typeof createClients>
