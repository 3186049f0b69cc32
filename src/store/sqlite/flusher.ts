import fs from 'node:fs'
import { promisify } from 'node:util'

/**
 * Flushes a file without blocking the event loop. Whatever was written before a call of `flushed` is on the disk when its
 * promise resolves; all that is written while a flush is under way shares the next one.
 */
export interface Flusher {
  /** Reports that the file has changed. */
  written(): void
  /**
   * Rejects when the disk fails, and so does every later call: the system may have dropped what it could not write, and
   * only reopening the database shows what is there.
   */
  flushed(): Promise<void>
  close(): void
}

/** @param flush brings the file to the disk */
export function createFlusher(flush: () => Promise<void>, close: () => void = () => {}): Flusher {
  let isDirty = false
  let current: Promise<void> = Promise.resolve()
  let next: Promise<void> | null = null

  function start(): Promise<void> {
    isDirty = false
    next = null
    current = flush()
    return current
  }

  return {
    written() {
      isDirty = true
    },
    flushed() {
      if (!isDirty) return current
      next ??= current.then(start)
      return next
    },
    close,
  }
}

export function openFlusher(path: string): Flusher {
  const file = fs.openSync(path, 'r+')
  return createFlusher(
    () => promisify(fs.fdatasync)(file),
    () => fs.closeSync(file),
  )
}

/** What an in-memory database needs. */
export function createNoFlusher(): Flusher {
  return createFlusher(async () => {})
}
