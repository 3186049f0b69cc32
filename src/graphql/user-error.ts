import { GatewayError } from '../errors.js'
import { problemsOf } from '../tasks/service/invalid-input.js'
import { NEXT, type Stage } from '../tasks/task.js'
import { builder } from './builder.js'
import { LipSyncStage, LipSyncUserErrorCode, USER_ERRORS } from './enums.js'

type UserErrorCode = keyof typeof USER_ERRORS

interface UserError {
  readonly code: UserErrorCode
  readonly message: string
  readonly path: string[] | null
  readonly retryAfterSeconds: number | null
  readonly creditsLeft: number | null
  readonly stage: Stage | null
}

export const LipSyncUserError = builder.objectRef<UserError>('LipSyncUserError').implement({
  description: 'A mistake in a mutation that the caller can act on. Nothing was changed.',
  fields: t => ({
    code: t.expose('code', { type: LipSyncUserErrorCode, description: 'The kind, for programs.' }),
    message: t.exposeString('message', { description: 'The mistake, for people.' }),
    path: t.exposeStringList('path', {
      nullable: true,
      description: 'The argument at fault, such as `["input", "videoUrl"]`; null when no single argument is.',
    }),
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      nullable: true,
      description: 'With `RATE_LIMITED`, and `LIMIT_EXCEEDED` of queued tasks: when to try again.',
    }),
    creditsLeft: t.exposeFloat('creditsLeft', {
      nullable: true,
      description: "With `BUDGET_EXCEEDED`: what is left of the caller's credits of this month.",
    }),
    stage: t.expose('stage', {
      type: LipSyncStage,
      nullable: true,
      description: 'With `INVALID_STATE`: the stage of the task.',
    }),
  }),
})

export interface Payload<Value> {
  readonly value: Value | null
  readonly errors: readonly UserError[]
}

/** Carries out a mutation. Mistakes of the caller become data; all other errors stay errors. */
export async function payloadOf<Value>(mutate: () => Promise<Value>): Promise<Payload<Value>> {
  try {
    return { value: await mutate(), errors: [] }
  } catch (thrown) {
    if (!(thrown instanceof GatewayError) || !isUserErrorCode(thrown.code)) throw thrown
    return { value: null, errors: userErrors(thrown, thrown.code) }
  }
}

function userErrors(error: GatewayError, code: UserErrorCode): UserError[] {
  const { retryAfter, creditsLeft, stage } = error.details
  const details = {
    code,
    retryAfterSeconds: typeof retryAfter === 'number' ? retryAfter : null,
    creditsLeft: typeof creditsLeft === 'number' ? creditsLeft : null,
    stage: isStage(stage) ? stage : null,
  }
  return problemsOf(error).map(({ path, message }) => ({
    ...details,
    message,
    path: path.length > 0 ? ['input', ...path] : null,
  }))
}

function isUserErrorCode(code: string): code is UserErrorCode {
  return Object.hasOwn(USER_ERRORS, code)
}

function isStage(value: unknown): value is Stage {
  return typeof value === 'string' && Object.hasOwn(NEXT, value)
}
