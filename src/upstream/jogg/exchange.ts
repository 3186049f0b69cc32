import type { Dispatcher } from 'undici'
import { asError } from '../../errors.js'

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** A complete answer. */
export interface Answer {
  readonly http: number
  /** The header Retry-After as it was sent. */
  readonly retryAfter: string | undefined
  /** The header Date as it was sent: the other side's clock. */
  readonly date: string | undefined
  /** Null when it is longer than `LONGEST_BODY_BYTES`. */
  readonly body: string | null
}

/** An exchange that ended without an answer. */
export interface Lost {
  /** Whether the other side may have seen any of the request. */
  readonly sent: boolean
  readonly reason: Error
}

/** Documented answers are below 1 KB; a longer body does not come from the API. */
export const LONGEST_BODY_BYTES = 1_000_000

/**
 * Makes one HTTP request and returns its answer, or the reason why there is none. Never rejects, never repeats the
 * request, never follows a redirect.
 *
 * It works on undici's dispatcher rather than on `request` or `fetch`, because only the dispatcher reports when the
 * request begins to be written. Before that moment nothing can have reached the other side, whatever the error was;
 * after it, anything may have. That line decides whether a submit may be sent again.
 */
export function exchange(dispatcher: Dispatcher, request: HttpRequest, signal: AbortSignal): Promise<Answer | Lost> {
  return new Promise(resolve => {
    let sent = false
    let abort: (reason: Error) => void = () => {}
    let http = 0
    let retryAfter: string | undefined
    let date: string | undefined
    let size = 0
    const chunks: Buffer[] = []

    const settle = (outcome: Answer | Lost) => {
      signal.removeEventListener('abort', stop)
      resolve(outcome)
    }
    const stop = () => {
      const reason = asError(signal.reason)
      settle({ sent, reason })
      abort(reason)
    }
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop)

    dispatcher.dispatch(
      { ...request },
      {
        onRequestStart(controller) {
          // A request whose connection came after the signal must not leave, and none may leave twice.
          if (signal.aborted) return controller.abort(asError(signal.reason))
          if (sent) return controller.abort(new Error('the connection was lost'))
          abort = reason => controller.abort(reason)
          sent = true
        },
        onResponseStart(_controller, status, headers) {
          http = status
          retryAfter = [headers['retry-after']].flat()[0]
          date = [headers.date].flat()[0]
        },
        onResponseData(controller, chunk) {
          size += chunk.length
          if (size <= LONGEST_BODY_BYTES) chunks.push(chunk)
          else {
            settle({ http, retryAfter, date, body: null })
            controller.abort(new Error('the body is too long'))
          }
        },
        onResponseEnd: () => settle({ http, retryAfter, date, body: Buffer.concat(chunks).toString() }),
        onResponseError: (_controller, error) => settle({ sent, reason: error }),
      },
    )
  })
}
