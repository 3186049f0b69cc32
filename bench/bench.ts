/**
 * Measures the gateway. Figures of one machine and one moment: compare what was measured in one run.
 *
 *   npm run bench              against other servers: read, list, create, push, start and memory
 *   npm run bench -- --scale   with a million finished tasks and with a long queue, against little of both
 *   npm run bench -- --loop    the event loop under long replays, a slow disk and a long queue
 *   npm run bench -- --drain   a long queue in real time, followed by many
 *
 * `--rounds N` sets how often each measure is repeated, `--json FILE` writes the figures, `--write FILE` replaces the tables of a Markdown file, and `--quick` measures too
 * little for figures, to see that all of it runs.
 */
import { parseArgs } from 'node:util'
import { measureDrain } from './drain.js'
import { measureLoop } from './loop.js'
import { comparePeers } from './peers.js'
import { measureScale } from './scale.js'

const { values } = parseArgs({
  options: {
    scale: { type: 'boolean' },
    loop: { type: 'boolean' },
    drain: { type: 'boolean' },
    json: { type: 'string' },
    write: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    tasks: { type: 'string', default: '10000' },
    followers: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '5' },
  },
})

if (values.loop) await measureLoop()
else if (values.drain) await measureDrain(Number(values.tasks), Number(values.followers), Number(values.minutes))
else if (values.scale) await measureScale({ ...values, rounds: Number(values.rounds) })
else await comparePeers({ ...values, rounds: Number(values.rounds) })
