import { randomUUID } from 'node:crypto'
import type { GatewayOptions } from '../../src/config.js'
import { AUDIO, openTestGateway } from './gateway.js'
import { startJogg } from './jogg.js'
import { createManualClock } from './manual-clock.js'
import { newPostgres, query } from './postgres/database.js'

/** Gateways on one database, with one upstream and one clock. */
export async function startGateways(count: number, options: GatewayOptions = {}) {
  const url = new URL(await newPostgres())
  const name = randomUUID()
  url.searchParams.set('application_name', name)
  const databaseUrl = url.href
  let settled = (): Promise<unknown> => Promise.resolve()
  const clock = createManualClock(undefined, () => settled())
  const jogg = await startJogg({ now: clock.now })
  const opened: Awaited<ReturnType<typeof openTestGateway>>[] = []
  const gateways: Awaited<ReturnType<typeof openTestGateway>>['gateway'][] = []
  const open = async () => {
    const node = await openTestGateway(clock, jogg, { databaseUrl, ...options })
    opened.push(node)
    gateways.push(node.gateway)
    return node
  }
  for (let i = 0; i < count; i++) await open()
  settled = () => Promise.race([Promise.all(gateways.map(gateway => gateway.settled())), jogg.holding()])
  return {
    databaseUrl,
    clock,
    jogg,
    gateways,
    /** Opens one more. */
    open,
    /** From now on the clock moves whatever the gateways are doing. */
    runOn() {
      settled = () => Promise.resolve()
    },
    urls: opened.map(node => node.url),
    /** The gateways as the API of the first lists them. */
    async nodes(): Promise<object[]> {
      const response = await fetch(`${opened[0]!.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ gateway { nodes { id host pid version startedAt seenAt isLost } } }' }),
      })
      const { data } = (await response.json()) as { data: { gateway: { nodes: object[] } } }
      return data.gateway.nodes
    },
    /** The lines of the logs. */
    lines: () => opened.flatMap(node => node.lines),
    /** Cuts every connection of the gateways to the database. */
    async cutConnections() {
      const rows = await query(
        url.href.replace(name, 'test'),
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1',
        [name],
      )
      return rows.length
    },
    async [Symbol.asyncDispose]() {
      jogg.release()
      await Promise.all(gateways.map(gateway => gateway[Symbol.asyncDispose]()))
      await jogg[Symbol.asyncDispose]()
    },
  }
}

export const inputNamed = (name: string) => ({ videoUrl: `https://media.example/${name}.mp4`, audioUrl: AUDIO })
