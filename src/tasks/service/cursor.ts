import { badInput, GatewayError } from '../../errors.js'
import type { LogSelection } from '../task-store.js'

/**
 * A position in the log, as callers see it: the epoch of the log and the number of a transition. The epoch changes when
 * the database goes back in time (a restored backup), so a cursor of the lost history is recognised.
 */
export function toCursor(epoch: string, seq: number): string {
  return `${epoch}-${seq}`
}

/** The cursor of the beginning, in every history. */
const BEGINNING = '0'

/** Selects the log whose end bounds every cursor. */
export const ALL: LogSelection = { filter: {} }

/** Returns the number of the transition. `end` is the end of the log. */
export function parseCursor(cursor: string, epoch: string, end: number): number {
  if (cursor === BEGINNING) return 0
  const [, of, digits] = /^(.+)-(\d{1,15})$/.exec(cursor) ?? []
  if (of === undefined || digits === undefined) throw badInput('after', 'after is not a cursor of the log.')
  const seq = Number(digits)
  if (of !== epoch || seq > end)
    throw new GatewayError(
      'CURSOR_UNKNOWN',
      'The cursor is of another history: the database of the gateway was restored or replaced. Read the tasks again and follow from the cursor of that list.',
    )
  return seq
}
