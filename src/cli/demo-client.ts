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
  readonly credits: number
  readonly animation: string
  readonly animatedShare: number
}

const FIELDS = `id stage progress
  result { resultUrl coverUrl durationSeconds credits animation animatedShare } failure { message }`

const CREATE = `mutation Create($input: CreateLipSyncInput!) {
  createLipSync(input: $input) { task { ${FIELDS} } errors { message } }
}`

const FOLLOW = `subscription Follow($id: ID!, $after: String!) {
  taskUpdated(id: $id, after: $after) { stage progress task { ${FIELDS} } }
}`

/** A client as anybody could write it: GraphQL over HTTP to create, over WebSocket to follow. */
export const openDemoClient = (url: string, signal: AbortSignal) => {
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
      const { createLipSync } = dataOf((await response.json()) as Answer<{ createLipSync: CreatePayload }>)
      return dataOf({ data: createLipSync.task, errors: createLipSync.errors })
    },

    /** Every transition of the task from its first to its final one, and its progress in between. */
    async *follow(id: string): AsyncGenerator<DemoTask> {
      const answers = client.iterate<{ taskUpdated: DemoEvent }>({ query: FOLLOW, variables: { id, after: '0' } })
      for await (const answer of answers) {
        const { task, ...then } = dataOf(answer).taskUpdated
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

interface Answer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly { readonly message: string }[]
}

function dataOf<Data>({ data, errors }: Answer<Data>): Data {
  if (!data || errors?.length)
    throw new Error(`The gateway answered: ${errors?.map(error => error.message).join('; ')}`)
  return data
}
