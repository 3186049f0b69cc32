import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../errors.js'

/**
 * Reads a JSON body of at most `maxBytes`. Throws `UNSUPPORTED_MEDIA_TYPE`, `REQUEST_ENTITY_TOO_LARGE` or `BAD_REQUEST`.
 *
 * Any web page can make a browser send a form or plain text to any server, without asking it. JSON needs the
 * server's consent (CORS), so no other type is accepted.
 */
export async function readJsonBody(req: IncomingMessage, maxBytes: number): Promise<unknown> {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = req.headers
  if (!/^application\/json\s*(;|$)/i.test(type) || encoding !== 'identity')
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json, uncompressed.')
  const parsedByHost = (req as IncomingMessage & { body?: unknown }).body
  if (parsedByHost !== undefined) return parsedByHost
  const text = await readText(req, maxBytes)
  try {
    return JSON.parse(text)
  } catch {
    throw new GatewayError('BAD_REQUEST', 'The body is not valid JSON.')
  }
}

async function readText(req: IncomingMessage, maxBytes: number): Promise<string> {
  const tooLarge = () => new GatewayError('REQUEST_ENTITY_TOO_LARGE', `The body exceeds ${maxBytes} bytes.`)
  if (Number(req.headers['content-length']) > maxBytes) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  // The connection is still needed for the response when the body is rejected half way.
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}
