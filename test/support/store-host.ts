/** Opens a store in a process of its own and holds it until it is killed or its parent is gone. */
import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { systemClock } from '../../src/clock.js'
import { openStore } from '../../src/store/open-store.js'

const [, , databaseUrl = '', umask = '022'] = process.argv
process.umask(Number.parseInt(umask, 8))
process.once('disconnect', () => process.exit())
openStore({ databaseUrl, dataDir: '.' }, systemClock, pino({ level: 'silent' })).then(
  async () => {
    // Nothing refers to the store any more, and still it must be open.
    for (let i = 0; i < 3; i++) {
      await setImmediate()
      globalThis.gc?.()
    }
    process.send?.('open')
  },
  thrown => process.send?.(String(thrown.message)),
)
