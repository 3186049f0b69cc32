import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

/** The fields of a task that the demo reads. */
export interface DemoTask {
  readonly id: string
  readonly stage: string
  readonly progress: number | null
  readonly result: DemoResult | null
  readonly failure: { message: string } | null
}

export interface DemoResult {
  readonly resultUrl: string
  readonly coverUrl: string
  readonly durationSeconds: number
  readonly animation: string
  readonly animatedShare: number
}

const FIELDS = `id stage progress
  result { resultUrl coverUrl durationSeconds animation animatedShare } failure { message }`

const CREATE = `mutation Create($input: CreateLipSyncInput!) {
  createLipSync(input: $input) { task { ${FIELDS} } errors { message } }
}`

const FOLLOW = `subscription Follow($id: ID!, $after: String!) {
  taskUpdated(id: $id, after: $after) { stage progress task { ${FIELDS} } }
}`

/** A client that uses only the public API: creates over HTTP, follows over WebSocket. The signal ends it. */
export function openDemoClient(url: string, signal: AbortSignal) {
  const webSocketUrl = `${url.replace('http', 'ws')}/graphql`
  const client = createClient({ url: webSocketUrl, webSocketImpl: WebSocket, retryAttempts: 0 })
  const leave = () => client.dispose()
  signal.addEventListener('abort', leave)

  return {
    async create(videoUrl: string, audioUrl: string): Promise<DemoTask> {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: CREATE, variables: { input: { videoUrl, audioUrl } } }),
        signal,
      })
      const { createLipSync } = dataOf((await response.json()) as Response<{ createLipSync: CreatePayload }>)
      return dataOf({ data: createLipSync.task, errors: createLipSync.errors })
    },

    /** Yields every transition of the task, from the first to the final one, and its progress in between. */
    async *follow(id: string): AsyncGenerator<DemoTask> {
      const responses = client.iterate<{ taskUpdated: DemoEvent }>({ query: FOLLOW, variables: { id, after: '0' } })
      for await (const response of responses) {
        const { task, ...then } = dataOf(response).taskUpdated
        yield { ...task, ...then }
      }
    },

    [Symbol.dispose]() {
      signal.removeEventListener('abort', leave)
      client.dispose()
    },
  }
}

interface CreatePayload {
  readonly task: DemoTask | null
  readonly errors: readonly { readonly message: string }[]
}

type DemoEvent = Pick<DemoTask, 'stage' | 'progress'> & { readonly task: DemoTask }

interface Response<Data> {
  readonly data?: Data | null
  readonly errors?: readonly { readonly message: string }[]
}

function dataOf<Data>({ data, errors }: Response<Data>): Data {
  if (!data || errors?.length)
    throw new Error(`The gateway returned errors: ${errors?.map(error => error.message).join('; ')}`)
  return data
}
