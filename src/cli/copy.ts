import { systemClock } from '../clock.js'
import { ConfigError } from '../config.js'
import { createLog } from '../log.js'
import { copyDatabase } from '../store/copy-database.js'

export interface CopyFlags {
  readonly from: string
  readonly to: string
}

/** Copies a SQLite database to Postgres and prints how many rows each table has. */
export async function copy({ from, to }: CopyFlags): Promise<void> {
  if (!from.startsWith('file:')) throw new ConfigError(['--from: must be file: and the path of a SQLite database'])
  if (!/^postgres(ql)?:\/\//.test(to)) throw new ConfigError(['--to: must be a postgres:// URL'])
  const counts = await copyDatabase({ from, to, clock: systemClock, log: createLog('warn') })
  for (const [table, count] of counts) console.log(`${table.padEnd(15)} ${count}`)
}
