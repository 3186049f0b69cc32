import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { z } from 'zod'
import { StoreError } from '../../tasks/store-error.js'
import { createPrivateFile } from './database-file.js'
import { toStoreError } from './errors.js'
import { Database } from './load-sqlite.js'

const ownerSchema = z.object({ pid: z.number(), host: z.string(), startedAt: z.string() })

/** A connection that is garbage collected closes, and its lock is released: what is held is referred to here. */
const held = new Set<InstanceType<typeof Database>>()

/**
 * Makes this process the only gateway on the database: an exclusive transaction on `<database>.lock`, held until the
 * returned function is called. The operating system releases it when the process dies, however it dies. `<database>.owner`
 * says which process holds it, for the message of the others.
 */
export function lockDatabase(path: string, now: number): () => void {
  const [lockPath, ownerPath] = [`${path}.lock`, `${path}.owner`]
  createPrivateFile(lockPath)
  const lock = new Database(lockPath, { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (thrown) {
    lock.close()
    const error = toStoreError(thrown, lockPath)
    throw error.kind === 'busy' ? inUse(path, ownerPath, thrown) : error
  }
  held.add(lock)
  const owner: z.infer<typeof ownerSchema> = {
    pid: process.pid,
    host: hostname(),
    startedAt: new Date(now).toISOString(),
  }
  createPrivateFile(ownerPath)
  writeFileSync(ownerPath, JSON.stringify(owner))
  return () => {
    rmSync(ownerPath, { force: true })
    held.delete(lock)
    lock.close()
  }
}

function inUse(path: string, ownerPath: string, cause: unknown): StoreError {
  return new StoreError(
    'busy',
    `The database ${path} is in use by another gateway: ${describeOwner(ownerPath)}. Only one gateway may run on a database.`,
    { cause },
  )
}

/** The file may be missing or half written: the other process has only just started. */
function describeOwner(ownerPath: string): string {
  try {
    const { pid, host, startedAt } = ownerSchema.parse(JSON.parse(readFileSync(ownerPath, 'utf8')))
    return `process ${pid} on ${host}, started ${startedAt}`
  } catch {
    return 'a process that is just starting'
  }
}
