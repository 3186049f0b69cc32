import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { writeDurably } from '../../media/durable-files.js'
import { toStoreError } from './errors.js'

const marksSchema = z.object({ epoch: z.string(), starts: z.number(), submits: z.number(), seq: z.number() })

/** How far a database has come: each of these numbers only grows, unless an older copy of the database is put back. */
export type Marks = z.infer<typeof marksSchema>

/**
 * `<database>.epoch`: what the database's marks were when they were last written, kept outside of it, so that a restored
 * copy of the database is noticed.
 */
export function createEpochFile(databasePath: string) {
  const path = `${databasePath}.epoch`
  let writing: Promise<void> = Promise.resolve()

  return {
    /** Returns null when there is no readable file. */
    read(): Marks | null {
      try {
        return marksSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
      } catch {
        return null
      }
    },

    /** Replaces the file durably. Writes happen one after the other. */
    write(marks: Marks): Promise<void> {
      const written = writing.then(() => writeDurably(path, JSON.stringify(marks)))
      writing = written.catch(() => {})
      return written.catch(thrown => {
        throw toStoreError(thrown, path)
      })
    },
  }
}

/** Whether a database with these marks is older than what was written to its epoch file. */
export function wentBack(database: Marks, file: Marks | null): boolean {
  if (database.starts === 0) return false
  if (file === null || file.epoch !== database.epoch) return true
  return file.starts > database.starts || file.submits > database.submits || file.seq > database.seq
}
