import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet, { type HelmetOptions } from 'helmet'

/** Sets the security headers of one kind of response. */
export type HeaderSetter = (req: IncomingMessage, res: ServerResponse) => void

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

function setterOf(options: Pick<HelmetOptions, 'contentSecurityPolicy' | 'crossOriginResourcePolicy'>): HeaderSetter {
  const set = helmet({ ...COMMON, ...options })
  return (req, res) =>
    set(req, res, thrown => {
      if (thrown) throw thrown
    })
}
