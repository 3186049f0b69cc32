import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'

export interface StreamEvent {
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts the shape of what it asked for
  data?: any
}

/** A subscription over SSE. Reads nothing before it is asked to. */
export async function openEventStream(
  url: string,
  query: string,
  variables: object = {},
  credential: Record<string, string> = {},
) {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream', ...credential }
  const asking: ClientRequest = request(`${url}/graphql`, { method: 'POST', headers, agent: false })
  asking.end(JSON.stringify({ query, variables }))
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  const events = read(response)
  return {
    status: response.statusCode,
    /** The next event; undefined after the end. Rejects when the connection breaks. */
    next: async (): Promise<StreamEvent | undefined> => (await events.next()).value,
    leave: () => asking.destroy(),
  }
}

async function* read(response: IncomingMessage): AsyncGenerator<StreamEvent, undefined> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1]
      const data = /^data: (.*)$/m.exec(block)?.[1]
      if (event) yield { event, ...(data && { data: JSON.parse(data) }) }
    }
  }
  return undefined
}
