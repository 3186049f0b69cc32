import { createClient } from 'graphql-ws'
import { pino } from 'pino'
import { WebSocket } from 'ws'
import { composeGateway } from '../../src/compose-gateway.js'
import { type GatewayOptions, resolveConfig } from '../../src/config.js'
import { startJogg } from './jogg.js'
import { createManualClock } from './manual-clock.js'

export const VIDEO = 'https://media.example/presenter.mp4'
export const AUDIO = 'https://media.example/speech.mp3'

/** The fields of a task that the tests query. */
export interface SeenTask {
  id: string
  status: string
  stage: string
  cursor: string
  reference: string | null
  createdAt: string
  submittedAt: string | null
  startedAt: string | null
  completedAt: string | null
  progress: number | null
  result: {
    resultUrl: string
    coverUrl: string | null
    durationSeconds: number
    credits: number
    animation: string | null
    animatedShare: number | null
  } | null
  failure: { code: string; message: string } | null
}

export const TASK_FIELDS = `id status stage cursor reference createdAt submittedAt startedAt completedAt
  progress result { resultUrl coverUrl durationSeconds credits animation animatedShare } failure { code message }`

/** The fields of an event that the tests query. */
export const EVENT_FIELDS = `cursor stage status progress reason task { ${TASK_FIELDS} }`

export type SeenEvent = Pick<SeenTask, 'cursor' | 'stage' | 'status' | 'progress'> & {
  reason: string | null
  task: SeenTask
}

/** The task as it is now, with the fields of the event in their place. */
export function flatten({ task, ...event }: SeenEvent): SeenTask & { reason: string | null } {
  return { ...task, ...event }
}

/** A mistake of a caller, as payloads return it. */
export interface SeenUserError {
  code: string
  message: string
  path: string[] | null
  retryAfterSeconds: number | null
  creditsLeft: number | null
  stage: string | null
}
export const ERROR_FIELDS = 'errors { code message path retryAfterSeconds creditsLeft stage }'

interface GraphQLResponse {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts the shape of what it asked for
  data?: any
  errors?: { message: string; path?: unknown[]; extensions?: Record<string, unknown> }[]
}

type Jogg = Awaited<ReturnType<typeof startJogg>>

/** A gateway without its surroundings: the clock, the upstream and the log are the caller's. */
export async function openTestGateway(
  clock: ReturnType<typeof createManualClock>,
  jogg: Jogg,
  options: GatewayOptions,
) {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'debug', base: null }, { write: line => void lines.push(JSON.parse(line)) })
  const config = resolveConfig({
    port: 0,
    databaseUrl: ':memory:',
    upstream: 'jogg',
    jogg: { apiKey: jogg.apiKey, baseUrl: jogg.url },
    ...options,
  })
  const { gateway: product, ...hooks } = await composeGateway(config, { clock, log, random: () => 0.5 })
  const url = await product.listen()
  return { gateway: { ...product, ...hooks }, url, lines }
}

/** The whole gateway on real sockets: SQLite in memory, a free port, a manual clock, a scripted JoggAI. */
export async function startTestGateway(options: GatewayOptions = {}) {
  let settled = (): Promise<unknown> => Promise.resolve()
  const clock = createManualClock(undefined, () => settled())
  const jogg = await startJogg({ now: clock.now })
  const { gateway, url, lines } = await openTestGateway(clock, jogg, options)
  // A round that hangs in a held call goes on only when the time moves.
  settled = () => Promise.race([gateway.settled(), jogg.holding()])
  const clients = new Set<{ dispose: () => unknown }>()

  const graphql = async (query: string, variables: object = {}, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    })
    return {
      status: response.status,
      headers: response.headers,
      ...((await response.json()) as object),
    } as GraphQLResponse
  }

  /** Returns a graphql-ws client that logs in with the credential, if there is one. */
  const client = (credential?: string) => {
    const opened = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      ...(credential && { connectionParams: { authorization: `Bearer ${credential}` } }),
    })
    clients.add(opened)
    return opened
  }

  const create = (input: object = {}) =>
    graphql(
      `mutation ($input: CreateLipSyncInput!) { createLipSync(input: $input) { task { ${TASK_FIELDS} } ${ERROR_FIELDS} } }`,
      { input: { videoUrl: VIDEO, audioUrl: AUDIO, ...input } },
    )

  return {
    url,
    clock,
    jogg,
    gateway,
    /** The lines of the log. */
    lines,
    graphql,
    client,
    /** Returns the whole response of `createLipSync`. */
    create,
    async createLipSync(input: object = {}): Promise<SeenTask> {
      const { data, errors } = await create(input)
      const refused = errors ?? data.createLipSync.errors
      if (refused.length > 0) throw new Error(JSON.stringify(refused))
      return data.createLipSync.task
    },
    async task(id: string): Promise<SeenTask | null> {
      const { data } = await graphql(`query ($id: ID!) { lipSyncTask(id: $id) { ${TASK_FIELDS} } }`, { id })
      return data.lipSyncTask
    },
    /** Follows one task, or all, by a real graphql-ws client; each `next()` is one event. */
    watch(id?: string, after?: string, credential?: string) {
      const query = id
        ? `subscription ($id: ID!, $after: String) { it: taskUpdated(id: $id, after: $after) { ${EVENT_FIELDS} } }`
        : `subscription ($after: String) { it: tasksUpdated(after: $after) { ${EVENT_FIELDS} } }`
      const results = client(credential).iterate<{ it: SeenEvent }>({ query, variables: { id, after } })
      return {
        async next() {
          const { value, done } = await results.next()
          if (done) return undefined
          if (value.errors) throw new Error(JSON.stringify(value.errors))
          return value.data && flatten(value.data.it)
        },
        async rest() {
          const seen: SeenTask[] = []
          for (let task = await this.next(); task; task = await this.next()) seen.push(task)
          return seen
        },
        leave: () => results.return?.(),
      }
    },
    async [Symbol.asyncDispose]() {
      for (const opened of clients) await opened.dispose()
      jogg.release()
      await gateway[Symbol.asyncDispose]()
      await jogg[Symbol.asyncDispose]()
    },
  }
}
