import type { Clock } from '../../clock.js'

export interface DatabaseClock extends Clock {
  /** Compares the clock with the database's again. */
  synchronise(): Promise<void>
}

/**
 * A clock whose monotonic time is the time of the database's host, in milliseconds since the Unix epoch, so that all
 * gateways agree on it to within the time of a round trip. Between two comparisons it advances with the process's own
 * monotonic clock. It never goes back within a process: when the database's clock was set back, it stands still until that
 * has caught up. Set forward, it makes deadlines come early; keep the host's time synchronised.
 *
 * @param readTime asks the database for its time
 */
export async function openDatabaseClock(systemClock: Clock, readTime: () => Promise<number>): Promise<DatabaseClock> {
  let offset = 0
  let latest = 0

  async function synchronise() {
    const before = systemClock.monotonic()
    const time = await readTime()
    const after = systemClock.monotonic()
    offset = time - (before + after) / 2
  }

  await synchronise()
  return {
    now: () => systemClock.now(),
    monotonic() {
      latest = Math.max(latest, Math.floor(systemClock.monotonic() + offset))
      return latest
    },
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    synchronise,
  }
}
