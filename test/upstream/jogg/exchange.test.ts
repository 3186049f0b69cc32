import { Dispatcher } from 'undici'
import { expect, test } from 'vitest'
import { startExchange } from '../../../src/upstream/jogg/exchange.js'

/** A dispatcher that begins each request again, as undici does with one whose kept connection was lost. */
class RestartingDispatcher extends Dispatcher {
  readonly aborts: Error[] = []
  override dispatch(_options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const controller = {
      aborted: false,
      paused: false,
      reason: null,
      rawHeaders: null,
      rawTrailers: null,
      pause() {},
      resume() {},
      abort: (reason: Error) => {
        this.aborts.push(reason)
        handler.onResponseError?.(controller, reason)
      },
    }
    handler.onRequestStart?.(controller, {})
    handler.onRequestStart?.(controller, {})
    return true
  }
}

test('a request that was sent is not sent again', async () => {
  const dispatcher = new RestartingDispatcher()
  const { outcome } = startExchange(dispatcher, { method: 'POST', path: '/', headers: {}, body: '{}' })
  expect(await outcome).toEqual({ sent: true, reason: new Error('the connection was lost') })
  expect(dispatcher.aborts).toHaveLength(1)
})
