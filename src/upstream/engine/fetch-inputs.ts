import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SubmitRequest } from '../../tasks/driver/upstream.js'
import { type FetchLimits, fetchToFile } from './fetch-to-file.js'
import { type InputName, inputFailure } from './job-failure.js'

export interface InputSources extends FetchLimits {
  /** Returns the file behind a URL that the gateway itself serves; null for any other URL. */
  ownFile(url: string): string | null
}

export interface InputFiles {
  readonly videoFile: string
  readonly audioFile: string
}

/**
 * Downloads both inputs of a job into a folder, at the same time. A file that the gateway itself serves is used in
 * place. When one of the two fails, the other download is stopped.
 */
export async function fetchInputs(
  { videoUrl, audioUrl }: SubmitRequest,
  folder: string,
  sources: InputSources,
  signal: AbortSignal,
): Promise<InputFiles> {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])

  async function bring(input: InputName, url: string): Promise<string> {
    const own = sources.ownFile(url)
    if (own !== null) return checkOwnFile(input, own, sources.inputBytes)
    const path = join(folder, `${input}.source`)
    await fetchToFile(input, url, path, sources, either)
    return path
  }

  const both = [bring('video', videoUrl), bring('audio', audioUrl)] as const
  try {
    const [videoFile, audioFile] = await Promise.all(both)
    return { videoFile, audioFile }
  } catch (error) {
    failed.abort(error)
    await Promise.allSettled(both)
    throw error
  }
}

async function checkOwnFile(input: InputName, path: string, maxBytes: number): Promise<string> {
  const { size } = await stat(path).catch(() => {
    throw inputFailure(input, 'the gateway has no such file')
  })
  if (size > maxBytes) throw inputFailure(input, `the file is larger than ${maxBytes / 1e6} MB`)
  return path
}
