import { createClient } from 'graphql-ws'
import { Pool } from 'undici'
import { WebSocket } from 'ws'

/** A caller of the gateway, over real HTTP and WebSockets. */
export type Api = ReturnType<typeof createApi>

export function createApi(url: string, key: string) {
  const pool = new Pool(url, { connections: 16 })
  const headers = { 'content-type': 'application/json', 'x-api-key': key }

  // biome-ignore lint/suspicious/noExplicitAny: each call knows its answer
  async function query(text: string, variables: object = {}): Promise<any> {
    const body = JSON.stringify({ query: text, variables })
    const response = await pool.request({ method: 'POST', path: '/graphql', headers, body })
    const { data, errors } = (await response.body.json()) as { data?: unknown; errors?: unknown }
    if (errors) throw new Error(JSON.stringify(errors))
    return data
  }

  return {
    query,
    async create(videoUrl: string): Promise<void> {
      const input = { videoUrl, audioUrl: 'https://media.example/speech.mp3' }
      const { createLipSync } = await query(CREATE, { input })
      if (!createLipSync?.task) throw new Error(JSON.stringify(createLipSync))
    },
    /** Follows all tasks of the caller on a WebSocket of its own. */
    follow(after: string) {
      const client = createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { authorization: `Bearer ${key}` },
      })
      const events = client.iterate<{ tasksUpdated: TaskEvent }>({ query: FOLLOW, variables: { after } })
      return { events, leave: () => client.dispose() }
    },
    close: () => pool.close(),
  }
}

export interface TaskEvent {
  readonly cursor: string
  readonly stage: string
  readonly task: { readonly id: string }
}

const CREATE = `mutation ($input: CreateLipSyncInput!) {
  createLipSync(input: $input) { task { id } errors { code message } }
}`
const FOLLOW = 'subscription ($after: String) { tasksUpdated(after: $after) { cursor stage task { id } } }'
