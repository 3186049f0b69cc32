/** Runs a gateway in a process of its own until it is killed or its parent is gone. */
import { createGateway } from '../../src/create-gateway.js'

const [, , databaseUrl = '', baseUrl = '', apiKey = ''] = process.argv
process.once('disconnect', () => process.exit())
const gateway = await createGateway({
  ...{ port: 0, databaseUrl, upstream: 'jogg', logLevel: 'silent' },
  jogg: { baseUrl, apiKey },
})
process.send?.(await gateway.listen())
