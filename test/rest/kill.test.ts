import { request } from 'node:http'
import { expect, test } from 'vitest'
import { startChild } from '../support/child.js'
import { newDatabase } from '../support/database.js'
import { AUDIO, openTestGateway, VIDEO } from '../support/gateway.js'
import { hangs, startJogg } from '../support/jogg.js'
import { createManualClock } from '../support/manual-clock.js'
import { rest } from '../support/rest.js'

const INPUTS = { video_url: VIDEO, audio_url: AUDIO }
const LOOK_UP = `/v2/lip_sync_video?${new URLSearchParams(INPUTS)}`

test('a create whose answer was lost to kill -9 is found after the restart', { timeout: 120_000 }, async () => {
  await using jogg = await startJogg()
  const databaseUrl = `file:${await newDatabase()}`
  const first = startChild('gateway-host.js', databaseUrl, jogg.url, jogg.apiKey)
  jogg.plays(hangs('submit', { accepting: true }))
  const sent = request(`${await first.message}/v2/create_lip_sync_video`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  })
  sent.on('error', () => {})
  sent.end(JSON.stringify(INPUTS))
  await jogg.received('submit')
  await first.kill()

  const { gateway, url } = await openTestGateway(createManualClock(), jogg, { databaseUrl })
  await using _ = gateway
  const { json } = await rest(url, LOOK_UP)
  expect(json).toMatchObject({ code: 0, data: { status: 'pending' } })
  jogg.release()
})
