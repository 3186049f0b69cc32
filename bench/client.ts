import { Pool } from 'undici'

/** Calls one server over HTTP. Each call rejects unless it succeeded, and does as little as possible besides. */
export interface Client extends AsyncDisposable {
  /** Reads 11 fields of a task. */
  read(id: string): Promise<string>
  /** Reads the same fields of the 20 newest tasks. */
  list(): Promise<string>
  /** Creates a task and returns its id. */
  create(videoUrl: string): Promise<string>
  /** Moves a task of a peer to the next stage. */
  advance(id: string): Promise<string>
  /** Runs any other operation. */
  query(query: string, variables?: object): Promise<string>
}

const CONNECTIONS = 64
const HEADERS = { 'content-type': 'application/json' }
const AUDIO_URL = 'https://media.example/speech.mp3'

const FIELDS = 'id stage status videoUrl audioUrl playbackType reference createdAt submittedAt completedAt cursor'
const READ = `query Read($id: ID!) { lipSyncTask(id: $id) { ${FIELDS} } }`
const LIST = `query List { lipSyncTasks(first: 20) { edges { node { ${FIELDS} } } } }`
const CREATE = 'mutation Create($input: CreateLipSyncInput!) { createLipSync(input: $input) { task { id } } }'
const ADVANCE = 'mutation Advance($id: ID!) { advance(id: $id) }'

/** The same operations, as GraphQL or as the paths of the bare server. */
export function createClient(url: string, isBare: boolean): Client {
  const pool = new Pool(url, { connections: CONNECTIONS })

  async function call(path: string, body: object | null, expected: string): Promise<string> {
    const request = body ? { method: 'POST' as const, body: JSON.stringify(body) } : { method: 'GET' as const }
    const response = await pool.request({ path, headers: HEADERS, ...request })
    const text = await response.body.text()
    if (response.statusCode !== 200 || !text.includes(expected))
      throw new Error(`Unexpected response ${response.statusCode} to ${JSON.stringify(body ?? path)}: ${text}`)
    return text
  }
  const query = (query: string, variables: object, expected = '{"data":{') =>
    call('/graphql', { query, variables }, expected)

  return {
    read: id => (isBare ? call(`/graphql/read/${id}`, null, id) : query(READ, { id }, id)),
    list: () => (isBare ? call('/graphql/list', null, '"id"') : query(LIST, {}, '"id"')),
    async create(videoUrl) {
      const input = { videoUrl, audioUrl: AUDIO_URL }
      const text = await (isBare ? call('/graphql/create', input, '"id"') : query(CREATE, { input }, '"id"'))
      return /"id":"([^"]+)"/.exec(text)?.[1] ?? ''
    },
    advance: id => (isBare ? call(`/graphql/advance/${id}`, null, 'true') : query(ADVANCE, { id }, 'true')),
    query: (text, variables = {}) => query(text, variables),
    [Symbol.asyncDispose]: () => pool.close(),
  }
}
