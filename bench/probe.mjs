/** Preloaded into each measured server: reports to the parent process what the server has used. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

if (isMainThread && process.channel) {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc')
  process.on('message', message => {
    if (message === 'collect') collectGarbage()
    const { user, system } = process.cpuUsage()
    process.send({ cpuMicros: user + system, residentBytes: process.memoryUsage.rss() })
  })
  // A bench that was killed leaves no server behind.
  process.on('disconnect', () => process.exit())
  process.channel.unref()
}
