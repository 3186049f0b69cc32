import { expect, test } from 'vitest'
import { describeReport } from './describe-report.js'
import { runChaos } from './run-chaos.js'

/** The longer runs are `npm run chaos`. The seed is one whose misfortunes are many and short. */
const OPTIONS = { seed: 41, tasks: 14, kills: 3, seconds: 60, speed: 40 }

test('killed again and again, the gateway loses no task, pays for none twice and tells every step once', async () => {
  const report = await runChaos(OPTIONS)
  const broken = report.promises.filter(promise => promise.broken.length > 0)
  expect(broken, describeReport(report, OPTIONS)).toEqual([])
  expect(report).toMatchObject({ drained: true, blows: { kill: OPTIONS.kills } })
}, 90_000)
