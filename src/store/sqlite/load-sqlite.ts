import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'

/**
 * The SQLite build for this version of Node. Version 12 of better-sqlite3 is the last that runs on Node 20; compiled
 * with the headers of Node 24.19 or later, it aborts the process when a statement is garbage collected
 * (nodejs/node#65446). Version 13 has neither restriction from Node 22 on.
 */
export const Database: typeof BetterSqlite3 = load()

function load(): typeof BetterSqlite3 {
  const require = createRequire(import.meta.url)
  if (!process.versions.node.startsWith('20.')) return require('better-sqlite3')
  try {
    return require('better-sqlite3-node-20')
  } catch (cause) {
    // An optional package: later versions of Node do not need it, and not every machine can compile it.
    throw new Error('On Node 20 SQLite needs the package better-sqlite3-node-20: npm install --include=optional', {
      cause,
    })
  }
}
