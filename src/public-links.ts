import { urlOf } from './net/address.js'

/** Turns the paths of the files that the gateway serves into links, and back. */
export interface PublicLinks {
  /** A path of the gateway as a link that clients can open. A URL is returned as it is. */
  linkTo(pathOrUrl: string): string
  /** The path that one of the gateway's own links leads to; null for any other URL. */
  pathOf(url: string): string | null
  /** The gateway listens at this URL. It replaces the one derived from `host` and `port`, but not a configured one. */
  listensAt(url: string): void
}

export function createPublicLinks(config: { publicUrl: string | null; host: string; port: number }): PublicLinks {
  let base = (config.publicUrl ?? urlOf(config.host, config.port)).replace(/\/+$/, '')
  return {
    linkTo: pathOrUrl => (pathOrUrl.startsWith('/') ? `${base}${pathOrUrl}` : pathOrUrl),
    pathOf: url => (url.startsWith(`${base}/`) ? url.slice(base.length) : null),
    listensAt(url) {
      if (config.publicUrl === null) base = url
    },
  }
}
