import { z } from 'zod'
import { type Inputs, PLAYBACK_TYPES } from '../task.js'
import { invalidInput, type Problem } from './invalid-input.js'

/** What a caller gives to create a lip sync. */
export interface CreateInput {
  /** The talking-head video: a public, direct, long-lived link; http or https, at most 2,048 characters. */
  videoUrl: string
  /** The audio that the mouth will follow: a link like `videoUrl`. */
  audioUrl: string
  /** How a video shorter than the audio is extended. @default 'normal' */
  playbackType?: Inputs['playbackType'] | null | undefined
  /** The caller's own name for the task, by which tasks can be found; at most 200 characters. */
  reference?: string | null | undefined
  /** 1 to 128 printable characters. A repeated create with the same key returns the same task. */
  idempotencyKey?: string | null | undefined
  /** The expected length of the output in seconds, if known. Its price is reserved from the caller's budget. */
  expectedDurationSeconds?: number | null | undefined
}

/** Ten hours. A longer duration is a mistake. */
export const LONGEST_SECONDS = 36_000
const LONGEST_URL = 2_048
const LONGEST_REFERENCE = 200

/**
 * Characters that make two different texts look the same, or that storage does not preserve: control characters,
 * unpaired surrogates, and characters that are not displayed.
 */
const INVISIBLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u

const visibleText = z.string().refine(text => !INVISIBLE.test(text), 'contains invisible characters or broken Unicode')

export const referenceText = visibleText.max(LONGEST_REFERENCE, `is longer than ${LONGEST_REFERENCE} characters`)

const seconds = z
  .number()
  .refine(value => value >= 0 && value <= LONGEST_SECONDS, `must be from 0 to ${LONGEST_SECONDS}`)

const mediaUrl = z.string().superRefine((text, { addIssue }) => {
  const message = urlProblem(text)
  if (message) addIssue({ code: 'custom', message })
})

export const createInputFields = {
  videoUrl: mediaUrl,
  audioUrl: mediaUrl,
  playbackType: z
    .enum(PLAYBACK_TYPES)
    .nullish()
    .transform(type => type ?? 'normal'),
  reference: referenceText.nullish().transform(orNull),
  idempotencyKey: visibleText
    .regex(/^.{1,128}$/su, 'must have 1 to 128 characters')
    .nullish()
    .transform(orNull),
  expectedDurationSeconds: seconds.nullish().transform(orNull),
} satisfies Record<keyof CreateInput, z.ZodType>

const createInput = z.object(createInputFields)

export type ParsedCreateInput = z.output<typeof createInput>

/** Checks the input of a create. Throws `BAD_USER_INPUT` with every problem. */
export function parseCreateInput(input: CreateInput): ParsedCreateInput {
  return parse(createInput, input)
}

/** Checks a duration in seconds and returns it in milliseconds. */
export function parseDuration(durationSeconds: number): number {
  return Math.round(parse(z.object({ durationSeconds: seconds }), { durationSeconds }).durationSeconds * 1_000)
}

/** Throws `BAD_USER_INPUT` with every problem and its path. */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw invalidInput(
    parsed.error.issues.map((issue): Problem => {
      const path = issue.path.map(String)
      return { path, message: `${path.join('.') || 'input'} ${issue.message}` }
    }),
  )
}

/** The text is kept as it is, because signed links do not survive rewriting; so white space cannot be trimmed. */
function urlProblem(text: string): string | null {
  if (text.length > LONGEST_URL) return `is longer than ${LONGEST_URL.toLocaleString('en')} characters`
  if (/\s/.test(text) || INVISIBLE.test(text) || !URL.canParse(text)) return 'is not a URL'
  const { protocol, username, password } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') return 'is not an http or https URL'
  return username || password ? 'contains credentials' : null
}

function orNull<T>(value: T | null | undefined): T | null {
  return value ?? null
}
