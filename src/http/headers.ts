import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet, { type HelmetOptions } from 'helmet'

/** Sets the security headers of one kind of response. */
export type HeaderSetter = (res: ServerResponse) => void

/** Kinds of responses by what a browser may do with them. */
export type ResponseKind = 'data' | 'media' | 'page' | 'graphiql'

/** Whether the gateway is reached over TLS is decided by the proxy in front of it. */
const COMMON = { strictTransportSecurity: false, crossOriginOpenerPolicy: false } as const
const NOTHING = { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] }

/**
 * Security headers by kind. Only GraphiQL may run scripts: its own files, and its editor's workers, which are blobs.
 * Media may be embedded by any site, which is what they are for.
 */
export const SECURITY_HEADERS: Readonly<Record<ResponseKind, HeaderSetter>> = {
  data: setterOf({ contentSecurityPolicy: { useDefaults: false, directives: NOTHING } }),
  media: setterOf({
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    contentSecurityPolicy: { useDefaults: false, directives: { ...NOTHING, sandbox: [] } },
  }),
  page: setterOf({
    contentSecurityPolicy: { useDefaults: false, directives: { ...NOTHING, styleSrc: ["'unsafe-inline'"] } },
  }),
  graphiql: setterOf({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        ...NOTHING,
        scriptSrc: ["'self'", 'blob:'],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'", 'data:'],
        workerSrc: ['blob:'],
        connectSrc: ["'self'"],
      },
    },
  }),
}

/** The headers of a kind are the same for all responses, so they are computed once. */
function setterOf(options: Pick<HelmetOptions, 'contentSecurityPolicy' | 'crossOriginResourcePolicy'>): HeaderSetter {
  const headers = new Map<string, string>()
  const recorder = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    removeHeader: () => {},
  }
  helmet({ ...COMMON, ...options })({} as IncomingMessage, recorder as unknown as ServerResponse, thrown => {
    if (thrown) throw thrown
  })
  return res => {
    // Of a host application.
    res.removeHeader('X-Powered-By')
    for (const [name, value] of headers) res.setHeader(name, value)
  }
}
