import { z } from 'zod'
import { badInput } from '../../errors.js'
import { type Inputs, PLAYBACK_TYPES } from '../task.js'

/** What a caller says to have a lip sync made. */
export interface CreateInput {
  /** The talking-head video: public, direct, long-lived; http or https, at most 2,048 characters. */
  videoUrl: string
  /** The audio that the mouth shall follow; as `videoUrl`. */
  audioUrl: string
  /** How a video shorter than the audio is extended. @default 'normal' */
  playbackType?: Inputs['playbackType'] | null | undefined
  /** The caller's own name for the task, to find it again; at most 200 characters. */
  reference?: string | null | undefined
  /** 1 to 128 printable characters: a repeated create with the same key is the same task. */
  idempotencyKey?: string | null | undefined
  /** How long the output will be, in seconds, where the caller knows it: so much of its budget is set aside. */
  expectedDurationSeconds?: number | null | undefined
}

const mediaUrl = z
  .string()
  .max(2_048, 'is longer than 2,048 characters')
  .superRefine((text, { addIssue }) => {
    const wrong = whatIsWrongWithUrl(text)
    if (wrong) addIssue({ code: 'custom', message: wrong })
  })

/** The text is kept as it came, because signed links do not survive rewriting; hence no white space to trim. */
const whatIsWrongWithUrl = (text: string): string | null => {
  if (/\s/.test(text) || !URL.canParse(text)) return 'is not a URL'
  const { protocol, username, password } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') return 'is not an http or https URL'
  return username || password ? 'has credentials in it' : null
}

/** Ten hours: beyond it a duration is a mistake. */
export const LONGEST_SECONDS = 36_000
const OUT_OF_RANGE = `must be from 0 to ${LONGEST_SECONDS}`

const createInput = z.object({
  videoUrl: mediaUrl,
  audioUrl: mediaUrl,
  playbackType: z.enum(PLAYBACK_TYPES).nullish(),
  reference: z.string().max(200, 'is longer than 200 characters').nullish(),
  idempotencyKey: z
    .string()
    .regex(/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,128}$/u, 'must be 1 to 128 printable characters')
    .nullish(),
  expectedDurationSeconds: z.number().min(0, OUT_OF_RANGE).max(LONGEST_SECONDS, OUT_OF_RANGE).nullish(),
})

/** Checks what a caller sent. Throws `BAD_USER_INPUT` with the first field that is wrong. */
export const parseCreateInput = (
  input: CreateInput,
): Inputs & { reference: string | null; idempotencyKey: string | null; expectedDurationSeconds: number | null } => {
  const parsed = createInput.safeParse(input)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    const field = String(issue.path[0] ?? 'input')
    throw badInput(field, `${field} ${issue.message}`)
  }
  const { videoUrl, audioUrl, playbackType, reference, idempotencyKey, expectedDurationSeconds } = parsed.data
  return {
    videoUrl,
    audioUrl,
    playbackType: playbackType ?? 'normal',
    reference: reference ?? null,
    idempotencyKey: idempotencyKey ?? null,
    expectedDurationSeconds: expectedDurationSeconds ?? null,
  }
}

/** A place in the log as callers see it: the transition's number, to be given back as it is. */
export const toCursor = (seq: number): string => String(seq)

export const parseCursor = (cursor: string): number => {
  if (!/^\d{1,15}$/.test(cursor)) throw badInput('after', 'after is not a cursor of this gateway')
  return Number(cursor)
}
