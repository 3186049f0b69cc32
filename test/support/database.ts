import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Database, type OpenDatabase } from '../../src/store/sqlite/database.js'

/** A file for a database, in a folder that goes when the test is over. */
export const newDatabase = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'gateway-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return join(dir, 'gateway.db')
}

/** Does something to a database from outside. */
export const meddle = <T>(file: string, act: (database: OpenDatabase['sqlite']) => T): T => {
  const database = new Database(file)
  try {
    return act(database)
  } finally {
    database.close()
  }
}
