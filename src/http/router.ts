import { type IncomingMessage, METHODS, type ServerResponse } from 'node:http'
import findMyWay from 'find-my-way'
import type { Session } from '../auth/session.js'
import type { ResponseKind } from './headers.js'
import type { BodyLimit } from './json-body.js'

/** What the edge hands to a route. */
export interface RouteRequest {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly params: Readonly<Record<string, string | undefined>>
}

interface RouteOptions {
  readonly methods: readonly Method[]
  /** In find-my-way's notation. */
  readonly path: string
  /** Which security headers the response gets. */
  readonly kind: ResponseKind
  /** The protocol in which the edge renders an error. */
  readonly errors: ErrorProtocol
  /** Whether something is at the path; without it, always. A path that holds nothing is left to the host application. */
  readonly exists?: (req: IncomingMessage) => boolean
  /** The route is left to the host application when the gateway is mounted in one. */
  readonly onlyStandalone?: true
  /** Serves the path with repeated slashes and with one at its end as well. */
  readonly lenientSlashes?: true
}

/** A route that needs no login. */
export interface PublicRoute extends RouteOptions {
  readonly access: 'public'
  handle(request: RouteRequest): Promise<unknown> | unknown
}

/** A route for identified callers. The edge reads the JSON body of a POST before it. */
export interface CallerRoute extends RouteOptions, BodyLimit {
  readonly access: 'caller'
  /** While no credential is required, a key that is not the gateway's own is ignored: JoggAI's clients always send one. */
  readonly ignoresForeignKeys?: true
  /** Served instead, and without a login, to a browser that opens the path. */
  readonly page?: PublicPage
  /** @param request its `body` is the parsed JSON of a POST, and undefined for other methods */
  handle(request: RouteRequest & { readonly session: Session; readonly body: unknown }): Promise<unknown> | unknown
}

export interface PublicPage {
  readonly kind: ResponseKind
  handle(request: RouteRequest): Promise<unknown> | unknown
}

export type ErrorProtocol = 'graphql' | 'json' | 'jogg'
export type Route = PublicRoute | CallerRoute
export type Method = (typeof ALL_METHODS)[number]

export type RouteMatch =
  | { readonly route: Route; readonly params: RouteRequest['params'] }
  /** The path is one of the gateway's, with other methods. */
  | { readonly allowed: readonly string[]; readonly errors: ErrorProtocol }

/**
 * Finds the route of a request; null when the path is not one of the gateway's.
 *
 * @param isMounted whether a host application serves the paths that the gateway leaves
 */
export type Router = (req: IncomingMessage, isMounted: boolean) => RouteMatch | null

export function createRouter(routes: readonly Route[]): Router {
  const byHandler = new Map<object, Route>()
  const exact = findMyWay()
  const lenient = findMyWay({
    ignoreDuplicateSlashes: true,
    ignoreTrailingSlash: true,
    maxParamLength: LONGEST_PARAMETER,
  })
  for (const route of routes) {
    const key = () => {}
    byHandler.set(key, route)
    const table = route.lenientSlashes ? lenient : exact
    table.on([...route.methods], route.path, key)
  }

  function find(method: string, path: string) {
    if (!METHODS_KNOWN.has(method)) return null
    const known = method as findMyWay.HTTPMethod
    const found = exact.find(known, path) ?? lenient.find(known, decodable(path))
    const route = found && byHandler.get(found.handler)
    return found && route ? { route, params: found.params } : null
  }

  return (req, isMounted) => {
    const exists = (route: Route) => !(isMounted && route.onlyStandalone) && (route.exists?.(req) ?? true)
    const path = pathOf(req)
    const match = find(req.method ?? '', path)
    if (match) return exists(match.route) ? match : null
    const others = ALL_METHODS.flatMap(method => find(method, path)?.route ?? []).filter(exists)
    const [first] = others
    return first ? { allowed: [...new Set(others.flatMap(route => route.methods))], errors: first.errors } : null
  }
}

export function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/'
}

/** The path with percent signs that are not part of an encoding encoded themselves. */
function decodable(path: string): string {
  try {
    decodeURIComponent(path)
    return path
  } catch {
    return path.replaceAll('%', '%25')
  }
}

const METHODS_KNOWN: ReadonlySet<string> = new Set(METHODS)
const ALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
/** Node accepts no longer request line. */
const LONGEST_PARAMETER = 16_384
