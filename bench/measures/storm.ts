import { callAll } from '../load.js'
import { CREATORS, newVideoUrl } from './create.js'
import type { Measure } from './measure.js'
import { READERS } from './read.js'

/** The latency of reads alone, and while 32 callers create tasks as fast as they can. */
export const storm: Measure = {
  name: 'storm',
  async run({ client, ids }, { reads }) {
    const readAll = () => callAll(reads, READERS, index => client.read(ids[index % ids.length] ?? ''))
    const calm = await readAll()
    let isOver = false
    const creators = Array.from({ length: CREATORS }, async () => {
      while (!isOver) await client.create(newVideoUrl())
    })
    const stormy = await readAll().finally(() => {
      isOver = true
    })
    await Promise.all(creators)
    return { calmP99: calm.p99, stormP50: stormy.p50, stormP99: stormy.p99, ratio: stormy.p99 / calm.p99 }
  },
}
