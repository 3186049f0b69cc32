import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'

export interface RawResponse {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** A request with headers that `fetch` does not let through, such as `Host` and `Sec-Fetch-Site`. */
export async function ask(
  url: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<RawResponse> {
  const req = request(url, { method, headers, agent: false })
  req.end(body)
  const [res] = await once(req, 'response')
  return { status: res.statusCode, headers: res.headers, body: await text(res) }
}

/** A connection that sends the given text and reads nothing until it is resumed. */
export async function openConnection(url: string, sent = ''): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (sent) socket.write(sent)
  return socket
}
