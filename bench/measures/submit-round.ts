import { setTimeout as sleep } from 'node:timers/promises'
import { newVideoUrl } from './create.js'
import type { Measure } from './measure.js'

const LOOK_EVERY_MS = 50
const QUIET_MS = 500
const TIMEOUT_MS = 90_000

/** The submits that leave together when a minute of JoggAI's rate limit is over. Refills the queue afterwards. */
export const submitRound: Measure = {
  name: 'submitRound',
  async run({ process, client, submits }) {
    const [before, began] = [submits(), performance.now()]
    let usage = await process.usage()
    while (submits() === before) {
      if (performance.now() - began > TIMEOUT_MS) throw new Error('Nothing was submitted.')
      usage = await process.usage()
      await sleep(LOOK_EVERY_MS)
    }
    for (let seen = 0; seen < submits(); await sleep(QUIET_MS)) seen = submits()
    const [after, count] = [await process.usage(), submits() - before]
    for (let index = 0; index < count; index++) await client.create(newVideoUrl())
    return { cpu: (after.cpuMicros - usage.cpuMicros) / count, count }
  },
}
