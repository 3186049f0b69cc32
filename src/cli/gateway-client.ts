import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'

/** The fields of a task that the commands show. */
export interface ShownTask {
  readonly id: string
  readonly stage: string
  readonly status: string
  readonly reference: string | null
  readonly createdAt: string
  readonly progress: number | null
  readonly result: {
    readonly resultUrl: string
    readonly durationSeconds: number | null
    readonly credits: number
  } | null
  readonly failure: { readonly code: string; readonly message: string } | null
}

export interface GatewayClientOptions {
  /** The URL of the gateway, such as `https://gw.example`. */
  readonly url: string
  readonly key: string | undefined
  readonly signal: AbortSignal
}

export type GatewayClient = ReturnType<typeof createGatewayClient>

const TASK = `id stage status reference createdAt progress
  result { resultUrl durationSeconds credits } failure { code message }`

/** A client of a gateway, which may be on another machine. Errors are for people. */
export function createGatewayClient({ url, key, signal }: GatewayClientOptions) {
  const base = url.replace(/\/+$/, '')

  async function query<Data>(document: string, variables: object): Promise<Data> {
    const response = await fetch(`${base}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ query: document, variables }),
      signal,
    }).catch(thrown => {
      signal.throwIfAborted()
      throw new Error(`The gateway at ${base} cannot be reached.`, { cause: thrown })
    })
    const answer = (await response.json().catch(() => ({}))) as { data?: Data; errors?: { message: string }[] }
    if (answer.errors?.length || !answer.data)
      throw new Error(`The gateway answered: ${messagesOf(answer.errors ?? []) || `HTTP ${response.status}`}`)
    return answer.data
  }

  /** Carries out a mutation, and throws the mistakes that it returns. */
  async function mutate<Value>(name: string, inputType: string, fields: string, input: object): Promise<Value> {
    const document = `mutation ($input: ${inputType}!) { it: ${name}(input: $input) { ${fields} errors { message } } }`
    const { it } = await query<{ it: { value: Value | null; errors: { message: string }[] } }>(document, { input })
    if (!it.value) throw new Error(messagesOf(it.errors))
    return it.value
  }

  return {
    /** Uploads a local file. Returns the link to it. */
    async upload(path: string): Promise<string> {
      const { size } = await stat(path)
      const input = { filename: basename(path), sizeBytes: size }
      const fields = 'value: upload { url headers { name value } assetUrl }'
      const upload = await mutate<{
        url: string
        headers: { name: string; value: string }[]
        assetUrl: string
      }>('createUpload', 'CreateUploadInput', fields, input)
      const headers = Object.fromEntries(upload.headers.map(({ name, value }) => [name, value]))
      const body = Readable.toWeb(createReadStream(path)) as ReadableStream
      const request = {
        method: 'PUT',
        headers: { ...headers, 'content-length': String(size) },
        body,
        duplex: 'half',
        signal,
      }
      const response = await fetch(upload.url, request as RequestInit)
      if (response.ok) return upload.assetUrl
      const { error } = (await response.json().catch(() => ({}))) as { error?: { message: string } }
      throw new Error(`${path} was not accepted: ${error?.message ?? `HTTP ${response.status}`}`)
    },

    create: (input: object) =>
      mutate<ShownTask>('createLipSync', 'CreateLipSyncInput', `value: task { ${TASK} }`, input),
    cancel: (id: string) => mutate<ShownTask>('cancelLipSync', 'CancelLipSyncInput', `value: task { ${TASK} }`, { id }),
    retry: (id: string) => mutate<ShownTask>('retryLipSync', 'RetryLipSyncInput', `value: task { ${TASK} }`, { id }),

    /** Returns the task as it is, or once it is final within the time. */
    async task(id: string, waitSeconds = 0): Promise<ShownTask> {
      const document = `query ($id: ID!, $wait: Int!) { lipSyncTask(id: $id, waitSeconds: $wait) { ${TASK} } }`
      const { lipSyncTask } = await query<{ lipSyncTask: ShownTask | null }>(document, { id, wait: waitSeconds })
      if (!lipSyncTask) throw new Error(`There is no task ${id}.`)
      return lipSyncTask
    },

    async tasks(first: number): Promise<ShownTask[]> {
      const document = `query ($first: Int!) { lipSyncTasks(first: $first) { edges { node { ${TASK} } } } }`
      const { lipSyncTasks } = await query<{ lipSyncTasks: { edges: { node: ShownTask }[] } }>(document, { first })
      return lipSyncTasks.edges.map(({ node }) => node)
    },
  }
}

function messagesOf(errors: readonly { readonly message: string }[]): string {
  return errors.map(({ message }) => message).join('; ')
}
