import { setTimeout as sleep } from 'node:timers/promises'
import type { RollDice } from './dice.js'
import type { Moments } from './moments.js'
import type { Order } from './plan.js'

/** What the client of an order heard. */
export interface Heard {
  readonly order: Order
  /** Every id that a create with this key was answered with. */
  readonly ids: Set<string>
  /** How often a call was made again because its answer was lost. */
  repeats: number
  /** Whether the gateway said that the task is canceled. */
  canceled: boolean
  /** Answers that no client should ever see. */
  readonly surprises: string[]
}

interface Payload {
  readonly task: { readonly id: string; readonly stage: string } | null
  readonly errors: readonly { readonly code: string; readonly message: string }[]
}

interface Answer {
  readonly data?: { readonly it: Payload | null } | null
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[]
}

const CREATE = `mutation ($input: CreateLipSyncInput!) {
  it: createLipSync(input: $input) { task { id stage } errors { code message } }
}`
const CANCEL = `mutation ($id: ID!) {
  it: cancelLipSync(input: { id: $id }) { task { id stage } errors { code message } }
}`
const RETRY_MS = 30
const LONGEST_RETRY_MS = 400
/** Who waits longer asks again. */
const PATIENCE_MS = 3_000

/** Clients that don't give up: a call whose answer is lost is made again, with the same key, until it is answered. */
export const createClients = (parts: { url: string; roll: RollDice; moments: Moments; stopping: AbortSignal }) => {
  const { url, roll, moments, stopping } = parts

  /** Null: no answer. A client loses some of them by itself, because it goes away in the middle. */
  const call = async (query: string, variables: object, leaveAfterMs: number | null): Promise<Answer | null> => {
    // Not AbortSignal.any: in Node 20 a time limit that only such a signal refers to may be collected, and never end.
    const leaving = new AbortController()
    const leave = () => leaving.abort()
    const timer = setTimeout(leave, leaveAfterMs ?? PATIENCE_MS)
    stopping.addEventListener('abort', leave)
    try {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
        signal: leaving.signal,
      })
      const answer = (await response.json()) as Answer
      return response.status < 500 ? answer : null
    } catch {
      return null
    } finally {
      clearTimeout(timer)
      stopping.removeEventListener('abort', leave)
    }
  }

  const insist = async (heard: Heard, query: string, variables: object): Promise<Answer | null> => {
    for (let attempt = 0; !stopping.aborted; attempt++) {
      const dice = roll('call', heard.order.key, query, attempt)
      const answer = await call(query, variables, dice.chance(0.15) ? dice.between(1, 12) : null)
      if (answer) return answer
      heard.repeats++
      await sleep(Math.min(RETRY_MS * 1.5 ** attempt, LONGEST_RETRY_MS) * dice.between(0.5, 1))
    }
    return null
  }

  const create = async (heard: Heard): Promise<string | null> => {
    const { key, inputs } = heard.order
    const { videoUrl, audioUrl } = inputs
    const creating = insist(heard, CREATE, { input: { videoUrl, audioUrl, idempotencyKey: key } })
    moments.tell('create')
    const answer = await creating
    if (!answer) return null
    const id = answer.data?.it?.task?.id
    if (id) heard.ids.add(id)
    else heard.surprises.push(`create: ${JSON.stringify(answer)}`)
    return id ?? null
  }

  const cancel = async (heard: Heard, id: string) => {
    const answer = await insist(heard, CANCEL, { id })
    if (!answer) return
    if (answer.data?.it?.task?.stage === 'CANCELED') heard.canceled = true
    else if (answer.data?.it?.errors[0]?.code !== 'INVALID_STATE')
      heard.surprises.push(`cancel: ${JSON.stringify(answer)}`)
  }

  return {
    /** Places an order, as `order` says. Resolves with the task's id. */
    async place(heard: Heard): Promise<string | null> {
      const [id = null] = await Promise.all(heard.order.doubled ? [create(heard), create(heard)] : [create(heard)])
      return id
    },
    create,
    cancel,
    /** Whether all tasks have come to their end; false when nobody answers. */
    async allFinal(): Promise<boolean> {
      const query =
        '{ it: lipSyncTasks(first: 1, filter: { status: [PENDING, PROCESSING] }) { edges { node { id } } } }'
      const answer = (await call(query, {}, null)) as { data?: { it: { edges: unknown[] } } } | null
      return answer?.data?.it.edges.length === 0
    },
  }
}
