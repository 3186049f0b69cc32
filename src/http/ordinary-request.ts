import type { IncomingHttpHeaders } from 'node:http'

/** A request for one JSON response: nearly all of them. */
export interface OrdinaryRequest {
  readonly query: string
  readonly operationName: string | null | undefined
  readonly variables: Readonly<Record<string, unknown>> | null | undefined
  /** The media type of the response. */
  readonly type: 'application/json' | 'application/graphql-response+json'
}

const PARAMETERS: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions'])

/**
 * Reads a POST with this body. Returns null when it is malformed or wants another kind of response than JSON, which Yoga
 * decides.
 */
export function ordinaryRequest(headers: IncomingHttpHeaders, body: object): OrdinaryRequest | null {
  if (!/^application\/json(;|$)/.test(headers['content-type'] ?? '')) return null
  const type = preferredType(headers.accept)
  const { query, operationName, variables, extensions } = body as Readonly<Record<string, unknown>>
  if (type === null || typeof query !== 'string' || !isObjectOrLeftOut(variables)) return null
  if (!(operationName == null || typeof operationName === 'string') || !isObjectOrLeftOut(extensions)) return null
  for (const [name, value] of Object.entries(body)) if (value !== null && !PARAMETERS.has(name)) return null
  return { query, operationName, variables, type }
}

/** The first that the client lists, as Yoga chooses; `q` is not considered. */
function preferredType(accept = '*/*'): OrdinaryRequest['type'] | null {
  for (const entry of accept.replace(/\s/g, '').toLowerCase().split(',')) {
    const [range = '', ...params] = entry.split(';')
    if (params.some(param => param.includes('charset=') && param !== 'charset=utf-8')) continue
    if (/^(application|\*)\/(json|\*)$/.test(range)) return 'application/json'
    if (/^(application|\*)\/graphql-response\+json$/.test(range)) return 'application/graphql-response+json'
  }
  return null
}

function isObjectOrLeftOut(value: unknown): value is Record<string, unknown> | null | undefined {
  return value == null || (typeof value === 'object' && !Array.isArray(value))
}
