import type { Inputs } from '../../src/tasks/task.js'
import type { JoggAnswer } from '../support/jogg.js'
import type { RollDice } from './dice.js'

/** A status answer that says what it should in a way that no document describes. */
type Change = (envelope: Envelope) => Envelope

interface Envelope {
  readonly code: unknown
  readonly data: {
    readonly status: string
    readonly data: {
      readonly result_url: string
      readonly cover_url: string
      readonly duration_seconds: unknown
    } | null
    readonly [field: string]: unknown
  } | null
}

const ODDITIES = {
  'status in upper case': ({ data, ...rest }) => ({
    ...rest,
    data: data && { ...data, status: data.status.toUpperCase() },
  }),
  'code as text': envelope => ({ ...envelope, code: String(envelope.code) }),
  'no id': ({ data, ...rest }) => ({ ...rest, data: data && { ...data, task_id: undefined } }),
  'no duration': withOutput(output => ({ ...output, duration_seconds: undefined })),
  'duration null': withOutput(output => ({ ...output, duration_seconds: null })),
  'duration as text': withOutput(output => ({ ...output, duration_seconds: String(output.duration_seconds) })),
  'duration beyond reason': withOutput(output => ({ ...output, duration_seconds: 10 ** 9 })),
  'relative links': withOutput(output => ({
    ...output,
    result_url: new URL(output.result_url).pathname,
    cover_url: new URL(output.cover_url).pathname,
  })),
  'seconds as text': ({ data, ...rest }) => ({
    ...rest,
    data: data && { ...data, created_at: String(data.created_at) },
  }),
} as const satisfies Record<string, Change>

export type Oddity = keyof typeof ODDITIES

const WEIGHTS = Object.fromEntries(Object.keys(ODDITIES).map(name => [name, 1])) as Record<Oddity, number>

/** How the jobs of these inputs are reported for all their life; null: as documented. */
export function oddityOf(roll: RollDice, { videoUrl }: Inputs, share: number): Oddity | null {
  const dice = roll('oddity', videoUrl)
  return dice.chance(share) ? dice.pick(WEIGHTS) : null
}

export function makeOdd(answer: JoggAnswer, oddity: Oddity): JoggAnswer {
  return { ...answer, body: ODDITIES[oddity](answer.body as Envelope) }
}

function withOutput(change: (output: NonNullable<NonNullable<Envelope['data']>['data']>) => object): Change {
  return envelope => {
    const output = envelope.data?.data
    return output ? ({ ...envelope, data: { ...envelope.data, data: change(output) } } as Envelope) : envelope
  }
}
