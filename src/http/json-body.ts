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

const utf8 = new TextDecoder()

/** Reads by events, which cost a fraction of the stream's iterator. */
function readText(req: IncomingMessage, maxBytes: number): Promise<{ text: string; bytes: number }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0

    function settle(): void {
      req.off('data', take).off('end', end).off('error', fail).off('close', cut)
    }
    function fail(thrown: unknown): void {
      settle()
      // The connection is still needed for the response when the body is rejected half way.
      req.pause()
      reject(thrown)
    }
    function cut(): void {
      fail(new Error('The request was cut.'))
    }
    function end(): void {
      settle()
      resolve({ text: utf8.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)), bytes })
    }
    function take(chunk: Buffer): void {
      bytes += chunk.length
      if (bytes > maxBytes) fail(tooLarge(maxBytes))
      else chunks.push(chunk)
    }

    if (Number(req.headers['content-length']) > maxBytes) return reject(tooLarge(maxBytes))
    // Nothing more is emitted by a request that is cut already.
    if (req.destroyed) return cut()
    req.on('data', take).on('end', end).on('error', fail).on('close', cut)
  })
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('REQUEST_ENTITY_TOO_LARGE', `The body exceeds ${maxBytes} bytes.`)
}
