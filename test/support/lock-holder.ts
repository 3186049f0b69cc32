/** Holds the write lock of a database in a process of its own, as a backup tool might, until it is killed. */
import { Database } from '../../src/store/sqlite/load-sqlite.js'

const database = new Database(process.argv[2])
process.once('disconnect', () => process.exit())
database.exec('BEGIN IMMEDIATE')
process.send?.('locked')
