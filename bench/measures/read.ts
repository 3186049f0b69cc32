import { measureCalls } from '../load.js'
import type { Measure } from './measure.js'

export const READERS = 16

/** 11 fields of one task by its id. */
export const read: Measure = {
  name: 'read',
  run: ({ process, client, ids }, { reads }) =>
    measureCalls(process, reads, READERS, index => client.read(ids[index % ids.length] ?? '')),
}
