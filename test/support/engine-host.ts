/** A process that runs the engine on a folder until it is killed: `engine-host.ts <folder> <job as JSON> [<ffmpeg>]`. */
import { pino } from 'pino'
import { openLocalUpstream } from '../../src/upstream/engine/engine-upstream.js'

const [dataDir = '', job = '', ffmpegPath] = process.argv.slice(2)
const options = { dataDir, ffmpegPath, allowedHosts: ['127.0.0.1'], ownFile: () => null, log: pino() }
const upstream = await openLocalUpstream(options)
await upstream.submit(JSON.parse(job), new AbortController().signal)
setInterval(() => {}, 60_000)
