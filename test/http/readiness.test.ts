import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createReadiness } from '../../src/readiness.js'
import { startTestGateway } from '../support/gateway.js'
import { code } from '../support/jogg.js'
import { createManualClock } from '../support/manual-clock.js'

test('/ready repeats no text of the upstream', async () => {
  await using gw = await startTestGateway()
  const link = 'https://media.example/v.mp4?X-Amz-Signature=SIGNED'
  gw.jogg.plays(code('submit', 10105, `cannot download ${link}`))
  await gw.createLipSync()
  await gw.clock.advance(1_000)
  const text = await (await fetch(`${gw.url}/ready`)).text()
  expect(JSON.parse(text).checks.upstream).toMatch(/^paused: [\w-]+$/)
  expect(text).not.toMatch(/SIGNED|download|10105/)
})

test('checks the parts at most once a second, for all requests together', async () => {
  const clock = createManualClock()
  let checks = 0
  let problem: string | null = null
  const readiness = createReadiness({
    store: { check: async () => void checks++ },
    submitter: { status: async () => ({ state: 'OPEN', reason: null, kind: null, until: null }) },
    pollers: new Map([['submitter', { problem: () => problem }]]),
    clock,
    log: pino({ level: 'silent' }),
  })
  const ready = { ready: true, checks: { store: 'ok', pollers: { submitter: 'ok' }, upstream: 'ok' } }
  expect(await Promise.all(Array.from({ length: 100 }, readiness))).toEqual(Array(100).fill(ready))
  expect(checks).toBe(1)
  problem = 'the disk said: secret'
  await clock.advance(999)
  expect(await readiness()).toEqual(ready)
  await clock.advance(1)
  expect(await readiness()).toEqual({
    ready: false,
    checks: { store: 'ok', pollers: { submitter: 'failing' }, upstream: 'ok' },
  })
  expect(checks).toBe(2)
})
