import type { IncomingMessage, ServerResponse } from 'node:http'

/** The requests whose client waits for `100 Continue` before it sends the body. */
const waiting = new WeakSet<IncomingMessage>()

/** Leaves the decision about the body of a request with `Expect: 100-continue` to its route. */
export function awaitContinue(req: IncomingMessage): void {
  waiting.add(req)
}

/** Lets the client send the body, where it waits for that. */
export function letContinue(req: IncomingMessage, res: ServerResponse): void {
  if (waiting.delete(req)) res.writeContinue()
}
