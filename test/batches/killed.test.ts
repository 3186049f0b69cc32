import { once } from 'node:events'
import { watch } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { startChild } from '../support/child.js'
import { newDatabase } from '../support/database.js'
import { VIDEO } from '../support/gateway.js'
import { startJogg } from '../support/jogg.js'

const TRACKS = 500
const ROUNDS = 1
/** Each kill may cut off the answer to one submit, whose task then waits for its look-up. */
const UNKNOWN = 2 * ROUNDS
const CREATE = `mutation ($input: CreateLipSyncBatchInput!) { createLipSyncBatch(input: $input) {
  batch { id size } errors { message } } }`

test('a batch of 500 under kill -9 is there as a whole or not at all, and paid once each', async () => {
  await using jogg = await startJogg()
  const file = await newDatabase()
  const start = async () => {
    const child = startChild('killed-gateway.js', `file:${file}`, dirname(file), jogg.apiKey, jogg.url)
    return { child, url: String(await child.message) }
  }

  for (let round = 0; round < ROUNDS; round++) {
    const input = { videoUrl: `${VIDEO}?${round}`, tracks: tracksOf(round) }
    const first = await start()
    const written = logHasGrown(`${file}-wal`)
    const sent = post(first.url, CREATE, { input }).catch(() => null)
    await Promise.race([sent, written])
    await first.child.kill()
    const answered = await sent

    const second = await start()
    const stored = await countOf(second.url)
    expect([round * TRACKS, (round + 1) * TRACKS]).toContain(stored)
    if (answered?.data?.createLipSyncBatch.batch) expect(stored).toBe((round + 1) * TRACKS)
    const again = await post(second.url, CREATE, { input })
    expect(again.data?.createLipSyncBatch).toMatchObject({ batch: { size: TRACKS }, errors: [] })
    expect(await countOf(second.url)).toBe((round + 1) * TRACKS)
    await second.child.kill()
  }

  const last = await start()
  await expect
    .poll(() => jogg.jobs.accepted().length, { timeout: 60_000, interval: 200 })
    .toBeGreaterThanOrEqual(ROUNDS * TRACKS - UNKNOWN)
  await last.child.kill()
  const paid = jogg.jobs.accepted().map(({ inputs }) => `${inputs.videoUrl} ${inputs.audioUrl}`)
  expect(new Set(paid).size).toBe(paid.length)
}, 180_000)

/** Resolves at the next write to the database: the batch is then about to be committed, or just was. */
async function logHasGrown(log: string): Promise<void> {
  const watcher = watch(log)
  await once(watcher, 'change')
  watcher.close()
}

function tracksOf(round: number) {
  return Array.from({ length: TRACKS }, (_, i) => ({
    audioUrl: `https://media.example/${round}-${i}.mp3`,
    idempotencyKey: `${round}-${i}`,
  }))
}

// biome-ignore lint/suspicious/noExplicitAny: a test asserts the shape of what it asked for
async function post(url: string, query: string, variables: object = {}): Promise<{ data?: any }> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  return (await response.json()) as object
}

async function countOf(url: string): Promise<number> {
  const { data } = await post(url, '{ viewer { usage { tasks { count } } } }')
  const months: { tasks: { count: number }[] }[] = data.viewer.usage
  return months.flatMap(month => month.tasks).reduce((sum, { count }) => sum + count, 0)
}
