import { measureCalls } from '../load.js'
import type { Measure } from './measure.js'
import { READERS } from './read.js'

const QUERY = 'query Position($id: ID!) { lipSyncTask(id: $id) { id queuePosition } }'

/** The position of a task in the submit queue. */
export const queuePosition: Measure = {
  name: 'queuePosition',
  run: ({ process, client, waitingIds }, { lists }) =>
    measureCalls(process, lists, READERS, index =>
      // A step that shares no factor with the number of tasks reaches all parts of the queue.
      client.query(QUERY, { id: waitingIds[(index * 7_919) % waitingIds.length] }),
    ),
}
