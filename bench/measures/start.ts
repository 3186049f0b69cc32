import type { StartMeasure } from './measure.js'

/** The start until the server listens, and its resident memory then. */
export const start: StartMeasure = {
  name: 'start',
  once: false,
  async run(contestant) {
    await using process = await contestant.start()
    const { residentBytes } = await process.usage()
    return { ms: process.startMs, mb: residentBytes / 1e6 }
  },
}
