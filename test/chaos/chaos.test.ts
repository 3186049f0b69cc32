import { expect, test } from 'vitest'
import { postgresBinaries } from '../support/postgres/server.js'
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

/** Slower, because the time limits of the database are not accelerated. */
const ON_POSTGRES: ChaosOptions = {
  seed: 7,
  tasks: 5,
  kills: 1,
  seconds: 180,
  speed: 8,
  database: 'postgres',
  nodes: 2,
  only: ['kill', 'cut', 'freeze'],
}

test.skipIf(postgresBinaries() === null)(
  'two gateways on Postgres lose no task, pay for none twice and show each step, through kills, freezes and cut connections',
  async () => {
    const report = await runChaos(ON_POSTGRES)
    const broken = report.verdicts.filter(verdict => verdict.broken.length > 0)
    expect(broken, describeReport(report, ON_POSTGRES)).toEqual([])
    expect(report.drained).toBe(true)
    expect(report.evidence.strikes.counts.get('kill')).toBe(ON_POSTGRES.kills)
  },
  210_000,
)
