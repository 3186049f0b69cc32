/**
 * Measures the gateway. Figures of one machine and one moment: compare what was measured in one run.
 *
 *   npm run bench              against a bare server: create, read, fan-out
 *   npm run bench -- --loop    the event loop under long replays, a slow disk and a long queue
 *   npm run bench -- --drain   a long queue in real time, followed by many
 */
import { parseArgs } from 'node:util'
import { compareWithBareServer } from './compare.js'
import { measureDrain } from './drain.js'
import { measureLoop } from './loop.js'

const { values } = parseArgs({
  options: {
    loop: { type: 'boolean' },
    drain: { type: 'boolean' },
    tasks: { type: 'string', default: '10000' },
    followers: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '5' },
  },
})

if (values.loop) await measureLoop()
else if (values.drain) await measureDrain(Number(values.tasks), Number(values.followers), Number(values.minutes))
else await compareWithBareServer()
