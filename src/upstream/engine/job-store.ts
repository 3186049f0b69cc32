import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makePrivateFolder, syncFolder, writeDurably } from '../../media/durable-files.js'
import type { SubmitRequest } from '../../tasks/driver/upstream.js'
import type { Result } from '../../tasks/task.js'

/** A stored job. Times are milliseconds since the Unix epoch. */
export interface JobRecord {
  readonly job: SubmitRequest
  /** The id of its result in the media store: random, because knowing it is enough to read the result. */
  readonly mediaId: string
  readonly createdAt: number
}

export type JobEnd =
  | { readonly status: 'success'; readonly result: Result }
  | { readonly status: 'failed'; readonly message: string }

export interface EndedRecord extends JobRecord {
  readonly end: JobEnd & { readonly completedAt: number }
}

/** Each change is durable when its promise resolves. */
export interface JobStore {
  /** Returns the jobs that have not ended, oldest first. */
  readPending(): Promise<JobRecord[]>
  readEnded(taskId: string): Promise<EndedRecord | null>
  add(record: JobRecord): Promise<void>
  end(record: EndedRecord): Promise<void>
}

/**
 * The jobs on disk, one file for each: `pending/<task id>.json` until the job has ended, then `done/<task id>.json`. A
 * start reads `pending` only, so its cost does not grow with the number of ended jobs.
 */
export async function openJobStore(folder: string): Promise<JobStore> {
  const pending = join(folder, 'pending')
  const done = join(folder, 'done')
  for (const each of [folder, pending, done]) await makePrivateFolder(each)
  await syncFolder(folder)

  return {
    async readPending() {
      const names = (await readdir(pending)).filter(name => name.endsWith('.json'))
      const records = await Promise.all(names.map(name => readJson<JobRecord>(join(pending, name))))
      return records.filter(record => record !== null).sort((a, b) => a.createdAt - b.createdAt)
    },
    readEnded: taskId => readJson(join(done, `${taskId}.json`)),
    add: record => writeDurably(join(pending, `${record.job.taskId}.json`), JSON.stringify(record)),
    async end(record) {
      const name = `${record.job.taskId}.json`
      await writeDurably(join(done, name), JSON.stringify(record))
      await rm(join(pending, name), { force: true })
    },
  }
}

async function readJson<T>(path: string): Promise<T | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  return text === null ? null : (JSON.parse(text) as T)
}
