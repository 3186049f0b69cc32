import type { DatabaseName } from './chaos-database.js'
import { CRASH_POINTS, type CrashPoint } from './crash-points.js'
import type { RollDice } from './dice.js'

/** What goes wrong at a moment. */
export const STRIKES = [
  'kill',
  'stop',
  'freeze',
  'clock',
  'restore',
  'second',
  'full-disk',
  'slow-disk',
  'outage',
  'cut',
  'database',
  'rolling',
] as const
export type StrikeName = (typeof STRIKES)[number]

/** All that goes wrong beside the network. `odd`: some jobs are reported in odd ways for all their life. */
export const MISFORTUNES = [...STRIKES, 'odd'] as const
export type Misfortune = (typeof MISFORTUNES)[number]

/** What can go wrong with a database, and with the gateways on it. */
export const MISFORTUNES_OF: Readonly<Record<DatabaseName, readonly Misfortune[]>> = {
  sqlite: ['kill', 'stop', 'freeze', 'clock', 'restore', 'second', 'full-disk', 'slow-disk', 'outage', 'odd'],
  postgres: ['kill', 'stop', 'freeze', 'clock', 'outage', 'cut', 'database', 'rolling', 'odd'],
}

export interface Strike {
  readonly name: StrikeName
  /** What it waits for, so that it hits in the middle of it; null: nothing. */
  readonly point: CrashPoint | null
}

/** How often an interesting point is waited for. */
const POINTS = { create: 2, submit: 4, accepted: 5, find: 2, status: 1, none: 3 } as const satisfies Record<
  CrashPoint | 'none',
  number
>
/** Other misfortunes than kills are this many times rarer. */
const RARER = 5

/** The strikes of a run, in their order: so many kills, and a share of all other chosen misfortunes. */
export function planStrikes(roll: RollDice, kills: number, chosen: readonly Misfortune[]): Strike[] {
  return STRIKES.filter(name => chosen.includes(name))
    .flatMap(name => Array.from({ length: countOf(name, kills) }, (_, ordinal) => ({ name, ordinal })))
    .map(({ name, ordinal }) => ({ name, ordinal, order: roll('order of strikes', name, ordinal).random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ name, ordinal }) => {
      const point = roll('point', name, ordinal).pick(POINTS)
      return { name, point: CRASH_POINTS.find(known => known === point) ?? null }
    })
}

function countOf(name: StrikeName, kills: number): number {
  if (name === 'kill') return kills
  // It lasts half an hour.
  if (name === 'outage') return 1
  return Math.ceil(kills / RARER)
}
