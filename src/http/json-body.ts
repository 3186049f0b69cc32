import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../errors.js'

export interface BodyLimit {
  readonly maxBodyBytes: number
  /** The larger bodies that are accepted all the same. */
  readonly largeBody?: {
    readonly maxBytes: number
    isFor(body: unknown): boolean
  }
}

/**
 * Reads a JSON body within the limit. Throws `UNSUPPORTED_MEDIA_TYPE`, `REQUEST_ENTITY_TOO_LARGE` or `BAD_REQUEST`.
 *
 * Any web page can make a browser send a form or plain text to any server, without asking it. JSON needs the
 * server's consent (CORS), so no other type is accepted.
 */
export async function readJsonBody(req: IncomingMessage, { maxBodyBytes, largeBody }: BodyLimit): Promise<unknown> {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = req.headers
  if (!/^application\/json\s*(;|$)/i.test(type) || encoding !== 'identity')
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json, uncompressed.')
  const parsedByHost = (req as IncomingMessage & { body?: unknown }).body
  if (parsedByHost !== undefined) return parsedByHost
  const { text, bytes } = await readText(req, largeBody?.maxBytes ?? maxBodyBytes)
  const isLarge = bytes > maxBodyBytes
  try {
    const body: unknown = JSON.parse(text)
    if (!isLarge || largeBody?.isFor(body)) return body
  } catch {
    if (!isLarge) throw new GatewayError('BAD_REQUEST', 'The body is not valid JSON.')
  }
  throw tooLarge(maxBodyBytes)
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('REQUEST_ENTITY_TOO_LARGE', `The body exceeds ${maxBytes} bytes.`)
}

async function readText(req: IncomingMessage, maxBytes: number): Promise<{ text: string; bytes: number }> {
  if (Number(req.headers['content-length']) > maxBytes) throw tooLarge(maxBytes)
  const chunks: Buffer[] = []
  let bytes = 0
  // The connection is still needed for the response when the body is rejected half way.
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return { text: new TextDecoder().decode(Buffer.concat(chunks)), bytes }
}
