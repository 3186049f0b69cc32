import { createClient } from 'graphql-ws'
import { pino } from 'pino'
import { WebSocket } from 'ws'
import { systemClock } from '../../src/clock.js'
import { composeGateway } from '../../src/compose-gateway.js'
import { type GatewayOptions, resolveConfig } from '../../src/config.js'
import { createMediaStore } from '../../src/media/media-store.js'
import { temporaryFolder } from './engine-media.js'

/** The fields of a task of the built-in engine that the tests query. */
export interface MadeTask {
  readonly id: string
  readonly stage: string
  readonly cursor: string
  readonly progress: number | null
  readonly result: {
    readonly resultUrl: string
    readonly durationSeconds: number
    readonly animation: string
    readonly animatedShare: number
  } | null
  readonly failure: { readonly message: string } | null
  readonly history: readonly { readonly stage: string }[]
}

const FIELDS = `cursor stage progress task { id result { resultUrl durationSeconds animation animatedShare }
  failure { message } history { stage } }`
const CREATE = `mutation ($input: CreateLipSyncInput!) { createLipSync(input: $input) { task { id } } }`
const FOLLOW = `subscription ($id: ID!) { taskUpdated(id: $id, after: "0") { ${FIELDS} } }`

/** A whole gateway with the built-in engine in a temporary folder, and a real graphql-ws client. */
export async function startEngineGateway(options: GatewayOptions = {}) {
  const folder = await temporaryFolder()
  const config = resolveConfig({ upstream: 'engine', port: 0, dataDir: folder.path, ...options })
  const log = pino({ level: 'silent' })
  const { gateway } = await composeGateway(config, { clock: systemClock, log, random: Math.random })
  const url = await gateway.listen()
  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket })
  const files = createMediaStore(folder.path)

  return {
    url,
    /** Creates a lip sync and returns all of its events. */
    async make(input: { videoUrl: string; audioUrl: string; playbackType?: string }): Promise<MadeTask[]> {
      const created = client.iterate<{ createLipSync: { task: { id: string } } }>({
        query: CREATE,
        variables: { input },
      })
      const { value } = await created.next()
      const id = value?.data?.createLipSync.task.id
      const told: MadeTask[] = []
      type Event = Pick<MadeTask, 'stage' | 'progress'> & { task: MadeTask }
      for await (const { data } of client.iterate<{ taskUpdated: Event }>({ query: FOLLOW, variables: { id } }))
        if (data) told.push({ ...data.taskUpdated.task, ...data.taskUpdated })
      return told
    },
    /** Where the file lies that the gateway serves under a URL. */
    fileOf: (resultUrl: string): string => files.resolve(new URL(resultUrl).pathname) ?? '',
    async [Symbol.asyncDispose]() {
      await client.dispose()
      await gateway[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}
