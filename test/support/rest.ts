import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { openApiDocument } from '../../src/rest/openapi.js'
import { ask, type RawResponse } from './raw-http.js'

export interface RestAnswer extends RawResponse {
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts the shape of what it asked for
  readonly json: any
}

export interface RestRequest {
  readonly method?: string
  readonly headers?: Record<string, string>
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown
}

interface Described {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Response>> }>>>
  >
  readonly components: { readonly schemas: { readonly NotServed: object } }
}
interface Response {
  readonly content: { readonly 'application/json': { readonly schema: object } }
}

const document = openApiDocument(path => path) as Described
const ajv = new Ajv2020({ strict: false, allErrors: true })
const compiled = new Map<object, ValidateFunction>()

/** Sends a request as it is, and holds the response against the description of the API. */
export async function rest(url: string, path: string, { method = 'GET', headers = {}, body }: RestRequest = {}) {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const type: Record<string, string> = text === body ? {} : { 'content-type': 'application/json' }
  const answer = await ask(`${url}${path}`, {
    method,
    headers: { ...type, ...headers },
    ...(text !== undefined && { body: text }),
  })
  return checked(method, path, answer)
}

/** The response, parsed. Throws when it is not what the OpenAPI document describes. */
export function checked(method: string, path: string, answer: RawResponse): RestAnswer {
  if (!/^application\/json\b/.test(String(answer.headers['content-type'])))
    throw new Error(`${method} ${path} was not answered in JSON: ${answer.headers['content-type']}`)
  const json = JSON.parse(answer.body)
  const schema = schemaOf(method, path, answer.status ?? 0)
  const validate = compiled.get(schema) ?? ajv.compile(schema)
  compiled.set(schema, validate)
  if (!validate(json))
    throw new Error(`${method} ${path}: ${answer.status} ${answer.body} ${ajv.errorsText(validate.errors)}`)
  return { ...answer, json }
}

function schemaOf(method: string, path: string, status: number): object {
  if (status === 404 || status === 405) return document.components.schemas.NotServed
  const plain = (path.split('?')[0] ?? '').replace(/\/{2,}/g, '/').replace(/\/$/, '')
  const below = plain.replace(/^(\/open)?\/v[12]/, '')
  const template = Object.keys(document.paths).find(key =>
    new RegExp(`^${key.replace(/\{\w+\}/g, '[^/]+')}$`).test(below),
  )
  const described = template && document.paths[template]?.[method.toLowerCase()]?.responses[status]
  if (!described) throw new Error(`${method} ${path} with the status ${status} is not described`)
  return described.content['application/json'].schema
}
