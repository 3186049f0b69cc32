import { badInput, GatewayError } from '../../errors.js'

/** One mistake in the input of a caller. */
export interface Problem {
  /** Where it is in the input: `['videoUrl']`. */
  readonly path: readonly string[]
  /** A sentence that names the field. */
  readonly message: string
}

/** A `BAD_USER_INPUT` error that lists every mistake; `field` is the first one's. */
export function invalidInput(problems: readonly Problem[]): GatewayError {
  const message = problems.map(problem => problem.message).join('; ')
  return new GatewayError('BAD_USER_INPUT', message, { field: problems[0]?.path[0] ?? 'input', problems })
}

/** The mistakes that an error lists. */
export function problemsOf({ details, message }: GatewayError): readonly Problem[] {
  if (isProblems(details.problems)) return details.problems
  return [{ path: typeof details.field === 'string' ? [details.field] : [], message }]
}

/** Returns a whole number of this range. Throws `BAD_USER_INPUT` for any other value. */
export function checkRange(field: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw badInput(field, `${field} must be a whole number from ${least} to ${most.toLocaleString('en')}`)
}

function isProblems(value: unknown): value is readonly Problem[] {
  return Array.isArray(value) && value.length > 0
}
