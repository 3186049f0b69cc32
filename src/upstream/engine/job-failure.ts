export type InputName = 'video' | 'audio'

/**
 * The reason why a job cannot be done. The message is shown to the caller: it contains no path, no URL and no text of
 * another server.
 */
export class JobFailure extends Error {
  override readonly name = 'JobFailure'
}

export function inputFailure(input: InputName, reason: string): JobFailure {
  return new JobFailure(`${input}: ${reason}`)
}

/** Shown to the caller. The operator finds the cause in the log. */
export const DISK_FULL = 'The disk is full.'

/** Whether an error was caused by a full disk, an exceeded quota or a limit on the size of files. */
export function isDiskFull(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  const { code = '' } = thrown as NodeJS.ErrnoException
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code) || isDiskFull(thrown.cause)
}
