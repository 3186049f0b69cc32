/** A gateway in a process of its own, to be killed. */
import { pino } from 'pino'
import { createGateway } from '../../src/create-gateway.js'

const [databaseUrl = '', dataDir = '', apiKey = '', baseUrl = ''] = process.argv.slice(2)

const gateway = await createGateway({
  port: 0,
  databaseUrl,
  dataDir,
  upstream: 'jogg',
  jogg: { apiKey, baseUrl },
  submits: { perMinute: 100_000 },
  poll: { firstMs: 60_000, minMs: 60_000, maxMs: 60_000 },
  log: pino({ level: 'silent' }),
})
process.send?.(await gateway.listen())
process.once('disconnect', () => process.exit())
