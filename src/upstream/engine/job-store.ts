import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, writeDurably } from '../../durable-files.js'
import type { SubmitRequest } from '../../tasks/driver/upstream.js'
import type { Result } from '../../tasks/task.js'

/** A job as it is kept. Times are milliseconds since the Unix epoch. */
export interface JobRecord {
  readonly job: SubmitRequest
  /** Names the folder of its result: random, since whoever knows it can fetch the result. */
  readonly mediaId: string
  readonly createdAt: number
}

export type JobEnd =
  | { readonly status: 'success'; readonly result: Result }
  | { readonly status: 'failed'; readonly message: string }

/** A job that ended, as it is kept. */
export interface EndedRecord extends JobRecord {
  readonly end: JobEnd & { readonly completedAt: number }
}

export interface JobFiles {
  /** The jobs that did not end, oldest first. */
  readPending(): Promise<JobRecord[]>
  readEnded(taskId: string): Promise<EndedRecord | null>
  add(record: JobRecord): Promise<void>
  end(record: EndedRecord): Promise<void>
}

/**
 * The jobs on disk, one file each: `pending/<task id>.json` until it ended, `done/<task id>.json` from then on. At a
 * start only `pending` is read, however many were done. Each change is on disk when its promise resolves.
 */
export const openJobFiles = async (folder: string): Promise<JobFiles> => {
  const pending = join(folder, 'pending')
  const done = join(folder, 'done')
  await mkdir(pending, { recursive: true })
  await mkdir(done, { recursive: true })
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

const readJson = async <T>(path: string): Promise<T | null> => {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  return text === null ? null : (JSON.parse(text) as T)
}
