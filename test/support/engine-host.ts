/** A process that runs the engine in a folder until it is killed: `engine-host.ts <folder> <job as JSON> [<ffmpeg>]`. */
import { pino } from 'pino'
import { never, openEngine } from './engine.js'

const [dataDir = '', job = '', ffmpegPath] = process.argv.slice(2)
const upstream = await openEngine({ dataDir, ffmpegPath: ffmpegPath || null, log: pino() })
await upstream.submit(JSON.parse(job), never)
setInterval(() => {}, 60_000)
