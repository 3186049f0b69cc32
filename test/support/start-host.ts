/**
 * Starts a gateway in a process of its own, and sends why it could not start. It does not exit: what a failed start leaves
 * open keeps the process alive.
 */
import { createGateway } from '../../src/create-gateway.js'

const [, , options = ''] = process.argv
createGateway(JSON.parse(options))
  .then(gateway => gateway.listen())
  .then(
    url => process.send?.(url),
    thrown => process.send?.(String(thrown.message)),
  )
