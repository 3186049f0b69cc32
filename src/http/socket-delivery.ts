import type { ExecutionResult } from 'graphql'
import type { WebSocket } from 'ws'
import type { ResultStream } from './shared-subscribe.js'

export interface Delivery {
  readonly socket: WebSocket
  /** The client's id of the operation. */
  readonly id: string
  /** Renders a result as the client sees it. */
  toPayload(result: ExecutionResult): object
}

/**
 * Sends the results of a subscription, and serialises a result only once for all sockets that get the same object.
 *
 * Returns a stream for graphql-ws to iterate in place of the results. It is empty, and ends or throws as they do.
 */
export function deliverResults(results: ResultStream, { socket, id, toPayload }: Delivery): ResultStream {
  const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`
  const headLength = Buffer.byteLength(head)

  function messageOf(result: ExecutionResult): Buffer {
    const rest = restOf(result, toPayload)
    const message = Buffer.allocUnsafe(headLength + rest.length)
    message.write(head)
    rest.copy(message, headLength)
    return message
  }

  return {
    async next() {
      for (;;) {
        const step = await results.next()
        if (step.done) return step
        await sendFlushed(socket, messageOf(step.value))
      }
    },
    return: async () => results.return?.() ?? { value: undefined, done: true },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** Resolves when the data is flushed, so that a client that does not read delays its own subscriptions and no others. */
export function sendFlushed(socket: WebSocket, data: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState !== socket.OPEN) return resolve()
    socket.send(data, { binary: false }, error => (error ? reject(error) : resolve()))
  })
}

const rests = new WeakMap<ExecutionResult, Buffer>()

/** What follows the head in the message of each client. */
function restOf(result: ExecutionResult, toPayload: Delivery['toPayload']): Buffer {
  const rest = rests.get(result) ?? Buffer.from(`${JSON.stringify(toPayload(result))}}`)
  rests.set(result, rest)
  return rest
}
