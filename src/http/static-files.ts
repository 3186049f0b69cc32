import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** A file that is served from memory, in the encoding that the client prefers. */
export interface StaticFile {
  readonly etag: string
  send(req: IncomingMessage, res: ServerResponse): Promise<void>
}

export interface StaticFileOptions {
  readonly type: string
  readonly cacheControl: string
}

const compressBrotli = promisify(brotliCompress)
const compressGzip = promisify(gzip)
/** Higher qualities take ten times as long for a tenth less. */
const BROTLI_QUALITY = 5

/**
 * Compresses the content at the first request for each encoding. All responses share the same buffers, so a client that
 * does not read costs its socket and nothing else.
 */
export function createStaticFile(content: string, { type, cacheControl }: StaticFileOptions): StaticFile {
  const raw = Buffer.from(content)
  const etag = `"${createHash('sha256').update(raw).digest('base64url').slice(0, 27)}"`
  const encoded = new Map<Encoding, Promise<Buffer>>()

  function encode(encoding: Encoding): Promise<Buffer> {
    const known = encoded.get(encoding)
    if (known) return known
    const made = ENCODERS[encoding](raw)
    encoded.set(encoding, made)
    return made
  }

  return {
    etag,
    async send(req, res) {
      res.setHeader('vary', appendTo(res.getHeader('vary'), 'Accept-Encoding'))
      res.setHeader('etag', etag)
      res.setHeader('cache-control', cacheControl)
      if (matches(req.headers['if-none-match'], etag)) return void res.writeHead(304).end()
      const encoding = preferredEncoding(req.headers['accept-encoding'])
      const body = await encode(encoding)
      res.writeHead(200, {
        'content-type': type,
        'content-length': body.length,
        ...(encoding !== 'identity' && { 'content-encoding': encoding }),
      })
      res.end(req.method === 'HEAD' ? undefined : body)
    },
  }
}

const ENCODERS = {
  br: (raw: Buffer) =>
    compressBrotli(raw, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
      },
    }),
  gzip: (raw: Buffer) => compressGzip(raw),
  identity: async (raw: Buffer) => raw,
}

type Encoding = keyof typeof ENCODERS

function preferredEncoding(accepted = ''): Encoding {
  const accepts = (name: string) =>
    accepted.split(',').some(entry => {
      const [encoding, quality = ''] = entry.toLowerCase().split(';')
      return encoding?.trim() === name && !/^\s*q=0(\.0*)?\s*$/.test(quality)
    })
  return accepts('br') ? 'br' : accepts('gzip') ? 'gzip' : 'identity'
}

function matches(ifNoneMatch = '', etag: string): boolean {
  return ifNoneMatch.split(',').some(entry => entry.trim().replace(/^W\//, '') === etag)
}

function appendTo(vary: ReturnType<ServerResponse['getHeader']>, name: string): string {
  return vary ? `${vary}, ${name}` : name
}
