import { expect } from 'vitest'
import type { startTestGateway } from './gateway.js'
import { SLACK_MS } from './manual-clock.js'

type TestGateway = Awaited<ReturnType<typeof startTestGateway>>

/** When the clock of the tests starts. */
export const START = Date.UTC(2025, 0, 1)

/** The history of a task. */
export async function history(gw: TestGateway, id: string): Promise<{ stage: string; reason: string | null }[]> {
  const { data } = await gw.graphql('query ($id: ID!) { lipSyncTask(id: $id) { history { stage reason } } }', { id })
  return data.lipSyncTask.history
}

/** Runs a mutation that returns a task: the task, or the extensions of the error. */
export async function act(gw: TestGateway, call: string) {
  const { data, errors } = await gw.graphql(
    `mutation { it: ${call} { errors { code stage } task { id stage status retryOf { id } failure { code } } } }`,
  )
  return errors?.[0]?.extensions ?? data.it.errors[0] ?? data.it.task
}

/** Expects a moment: exactly under the manual clock, and late by no more than its readings took under the ticking one. */
export function expectMoment(actual: number | string | null | undefined, expected: number): void {
  const ms = new Date(actual ?? Number.NaN).getTime()
  expect(ms).toBeGreaterThanOrEqual(expected)
  expect(ms).toBeLessThanOrEqual(expected + SLACK_MS)
}
