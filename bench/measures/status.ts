import { measureCalls } from '../load.js'
import type { Measure } from './measure.js'
import { READERS } from './read.js'

const QUERY = `query Status {
  gateway { activeTasks lastCheckedAt upstream submitQueue { length oldestQueuedAt reason state until } usage { month caller creditsSpent } }
}`

/** The state of the gateway and of its submit queue. */
export const status: Measure = {
  name: 'status',
  run: ({ process, client }, { lists }) => measureCalls(process, lists, READERS, () => client.query(QUERY)),
}
