import { expect, test } from 'vitest'
import { describeReport } from './describe-report.js'
import { type ChaosOptions, runChaos } from './run-chaos.js'

/** The longer runs are `npm run chaos`. */
const OPTIONS: ChaosOptions = {
  seed: 41,
  tasks: 8,
  kills: 2,
  seconds: 60,
  speed: 40,
  only: ['kill', 'clock', 'second', 'odd'],
}

test('through kills, clock steps and a second gateway, no task is lost, paid for twice or missed by a follower', async () => {
  const report = await runChaos(OPTIONS)
  const broken = report.verdicts.filter(verdict => verdict.broken.length > 0)
  expect(broken, describeReport(report, OPTIONS)).toEqual([])
  expect(report.drained).toBe(true)
  expect(report.evidence.strikes.counts.get('kill')).toBe(OPTIONS.kills)
}, 90_000)
