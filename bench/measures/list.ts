import { measureCalls } from '../load.js'
import type { Measure } from './measure.js'
import { READERS } from './read.js'

/** The same 11 fields of the 20 newest tasks. */
export const list: Measure = {
  name: 'list',
  run: ({ process, client }, { lists }) => measureCalls(process, lists, READERS, () => client.list()),
}
