import type { Dispatcher } from 'undici'

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

/** A request on its way. */
export interface Exchange {
  /** The answer, or the reason why there is none. Never rejects. */
  readonly outcome: Promise<Answer | Lost>
  /** Gives the request up. Without an effect once the outcome is there. */
  stop(reason: Error): void
}

/**
 * Makes one HTTP request. Never repeats the request, never follows a redirect.
 *
 * It works on undici's dispatcher rather than on `request` or `fetch`, because only the dispatcher reports when the
 * request begins to be written. Before that moment nothing can have reached the other side, whatever the error was;
 * after it, anything may have. That line decides whether a submit may be sent again.
 */
export function startExchange(dispatcher: Dispatcher, request: HttpRequest): Exchange {
  let sent = false
  let stopped: Error | null = null
  let abort: (reason: Error) => void = () => {}
  let http = 0
  let retryAfter: string | undefined
  let date: string | undefined
  let size = 0
  const chunks: Buffer[] = []
  let settle: (outcome: Answer | Lost) => void = () => {}
  const outcome = new Promise<Answer | Lost>(resolve => (settle = resolve))

  dispatcher.dispatch(
    { ...request },
    {
      onRequestStart(controller) {
        // A request whose connection came after the stop must not leave, and none may leave twice.
        if (stopped) return controller.abort(stopped)
        if (sent) return controller.abort(new Error('the connection was lost'))
        abort = reason => controller.abort(reason)
        sent = true
      },
      onResponseStart(_controller, status, headers) {
        http = status
        retryAfter = firstOf(headers['retry-after'])
        date = firstOf(headers.date)
      },
      onResponseData(controller, chunk) {
        size += chunk.length
        if (size <= LONGEST_BODY_BYTES) chunks.push(chunk)
        else {
          settle({ http, retryAfter, date, body: null })
          controller.abort(new Error('the body is too long'))
        }
      },
      onResponseEnd: () => settle({ http, retryAfter, date, body: textOf(chunks) }),
      onResponseError: (_controller, error) => settle({ sent, reason: error }),
    },
  )

  return {
    outcome,
    stop(reason) {
      stopped = reason
      settle({ sent, reason })
      abort(reason)
    },
  }
}

function firstOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'object' ? header[0] : header
}

function textOf(chunks: readonly Buffer[]): string {
  const [first] = chunks
  return first && chunks.length === 1 ? first.toString() : Buffer.concat(chunks).toString()
}
