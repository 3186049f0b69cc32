import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { StoreError } from '../../tasks/store-error.js'
import { toStoreError } from './errors.js'

export const IN_MEMORY = ':memory:'

/** The absolute path that a database URL names, or `:memory:`. Throws on a URL that SQLite would understand otherwise. */
export function databasePathOf(url: string): string {
  if (url === IN_MEMORY) return url
  const path = url.replace(/^file:/, '')
  if (/[?#]/.test(path))
    throw new StoreError('failed', `DATABASE_URL: parameters such as "?mode=ro" are not supported: ${url}`)
  if (/^\/\/[^/]/.test(path)) throw new StoreError('failed', `DATABASE_URL: a host is not supported: ${url}`)
  return resolve(path)
}

/**
 * Creates the database file and its folder where they are missing, readable by their owner only, whatever the umask is:
 * tasks and secrets are in it. SQLite gives the files beside it the same mode.
 */
export function createDatabaseFile(path: string, dataDir: string): void {
  createFolder(dirname(path), dataDir)
  createPrivateFile(path)
}

/** Creates an empty file for its owner only; leaves one that exists as it is. */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
    chmodSync(path, 0o600)
  } catch (thrown) {
    if (!isExisting(thrown)) throw toStoreError(thrown, path)
  }
}

function createFolder(folder: string, dataDir: string): void {
  try {
    const created = mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (created === undefined) return
    chmodSync(created, 0o700)
    chmodSync(folder, 0o700)
  } catch (thrown) {
    const origin = folder === resolve(dataDir) ? ` (DATA_DIR is "${dataDir}")` : ''
    const { message } = thrown as Error
    throw new StoreError('failed', `The folder ${folder} of the database cannot be created${origin}: ${message}`, {
      cause: thrown,
    })
  }
}

function isExisting(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST'
}
