/**
 * Faults of the disk, put between the gateway and SQLite, because a real full or slow disk takes a file system of its own.
 * This module must be the first that a process imports: others keep the functions that it replaces.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'
import { Database } from '../../src/store/sqlite/load-sqlite.js'

const UNLIMITED_PAGES = 2 ** 32 - 2

const connections = new Set<BetterSqlite3.Database>()
let isFull = false
let flushDelayMs = 0

const { prepare } = Database.prototype
Database.prototype.prepare = function (this: BetterSqlite3.Database, source: string) {
  connections.add(this)
  return prepare.call(this, source)
} as typeof prepare

const { fdatasync } = fs
fs.fdatasync = ((file: number, done: fs.NoParamCallback) => {
  setTimeout(() => fdatasync(file, done), flushDelayMs)
}) as typeof fdatasync
syncBuiltinESMExports()

/** A full disk: SQLite may not take another page, so that writes fail as they do when the disk has no room. */
export function setDiskFull(next: boolean) {
  if (isFull === next) return
  isFull = next
  // SQLite raises a limit below the current size to the current size.
  for (const connection of connections)
    if (connection.open) connection.pragma(`max_page_count = ${isFull ? 1 : UNLIMITED_PAGES}`)
}

/** A slow disk: each flush takes this many real milliseconds longer. */
export function setFlushDelay(ms: number) {
  flushDelayMs = ms
}
