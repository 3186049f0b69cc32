/** Which of the two inputs is meant. */
export type InputName = 'video' | 'audio'

/** Why a job cannot be done, in words for the caller: they name no path, no host's answer and no query string. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure'
}

export const inputFailure = (input: InputName, reason: string) => new JobFailure(`${input}: ${reason}`)
