import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

/** What the demo asks of a task. */
export interface DemoTask {
  readonly id: string
  readonly stage: string
  readonly progress: number | null
  readonly result: DemoResult | null
  readonly error: { message: string } | null
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
  result { resultUrl coverUrl durationSeconds credits animation animatedShare } error { message }`

const CREATE = `mutation Create($input: CreateLipSyncInput!) { createLipSync(input: $input) { ${FIELDS} } }`

const FOLLOW = `subscription Follow($id: ID!, $after: String!) { taskUpdated(id: $id, after: $after) { ${FIELDS} } }`

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
      return taskIn<{ createLipSync: DemoTask }>((await response.json()) as Answer<{ createLipSync: DemoTask }>)
        .createLipSync
    },

    /** Every transition of the task from its first to its final one, and its progress in between. */
    async *follow(id: string): AsyncGenerator<DemoTask> {
      const answers = client.iterate<{ taskUpdated: DemoTask }>({ query: FOLLOW, variables: { id, after: '0' } })
      for await (const answer of answers) yield taskIn(answer).taskUpdated
    },

    [Symbol.dispose]() {
      signal.removeEventListener('abort', leave)
      client.dispose()
    },
  }
}

interface Answer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly { readonly message: string }[]
}

const taskIn = <Data>({ data, errors }: Answer<Data>): Data => {
  if (!data || errors) throw new Error(`The gateway answered: ${errors?.map(error => error.message).join('; ')}`)
  return data
}
