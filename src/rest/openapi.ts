import { z } from 'zod'
import { OUTCOMES, type Outcome } from './envelope.js'
import type { Operation } from './operation.js'
import { OPERATIONS, V1_PREFIX, V2_PREFIXES } from './operations.js'

/** The outcomes of every request: the edge refuses wrong keys, too many of them, and web pages of other origins. */
const COMMON_OUTCOMES: readonly Outcome[] = ['INVALID_KEY', 'RATE_LIMITED', 'NO_PERMISSION', 'SYSTEM_ERROR']

/**
 * The OpenAPI 3.1 description of what is served, made from the schemas that parse and render it.
 *
 * @param linkTo returns the absolute URL of a path of the gateway
 */
export function openApiDocument(linkTo: (path: string) => string): object {
  const serversOf = (prefixes: readonly string[]) => prefixes.map(prefix => ({ url: linkTo(prefix) }))
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of OPERATIONS) {
    const { path, v1Path, method } = operation
    const isAlsoV1 = v1Path === path
    const prefixes = isAlsoV1 ? [...V2_PREFIXES, V1_PREFIX] : V2_PREFIXES
    add(path, method, prefixes, describeOperation(operation))
    if (v1Path && !isAlsoV1)
      add(v1Path, method, [V1_PREFIX], { ...describeOperation(operation), operationId: `${operation.id}V1` })
  }

  function add(path: string, method: string, prefixes: readonly string[], described: object): void {
    const template = path.replace(/:(\w+)/g, '{$1}')
    paths[template] = { ...paths[template], [method.toLowerCase()]: { ...described, servers: serversOf(prefixes) } }
  }

  return {
    openapi: '3.1.0',
    info: {
      title: 'lipsync-gateway: the REST API',
      version: '2',
      description:
        "JoggAI's API for lip sync, served by the gateway. Every response is an envelope with `code`, `msg` and `data`; code 0 is success.",
    },
    servers: serversOf(V2_PREFIXES),
    security: [{ key: [] }, { bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
      schemas: { NotServed: errorSchema(['NOT_SERVED', 'METHOD_NOT_SERVED']) },
    },
  }
}

function describeOperation(operation: Operation): object {
  const { id, summary, path, query, headers, body } = operation
  const pathParameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true },
    schema: { type: 'string' },
  }))
  return {
    operationId: id,
    summary,
    parameters: [...pathParameters, ...parametersOf('query', query), ...parametersOf('header', headers)],
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    }),
    responses: responsesOf(operation),
  }
}

function parametersOf(place: 'query' | 'header', schema: z.ZodObject | undefined): object[] {
  if (!schema) return []
  const { properties = {}, required = [] } = schemaOf(schema, 'input')
  return Object.entries(properties).map(([name, property]) => ({
    ...{ name, in: place, required: required.includes(name) },
    schema: property,
  }))
}

/** The responses by HTTP status: several outcomes may share one. */
function responsesOf({ data, outcomes }: Operation): object {
  const all = [...new Set([...outcomes, ...COMMON_OUTCOMES])]
  const statuses = [...new Set<number>([...all.map(outcome => OUTCOMES[outcome].status), ...(data ? [200] : [])])]
  return Object.fromEntries(
    statuses.sort().map(status => {
      const failures = all.filter(outcome => OUTCOMES[outcome].status === status)
      const schemas = [
        ...(status === 200 && data ? [successSchema(data)] : []),
        ...(failures.length > 0 ? [errorSchema(failures)] : []),
      ]
      const schema = schemas.length === 1 ? schemas[0] : { oneOf: schemas }
      const texts = failures.map(outcome => `${OUTCOMES[outcome].code} ${OUTCOMES[outcome].msg}`)
      const description = [...(status === 200 && data ? ['0 Success'] : []), ...texts].join('; ')
      return [String(status), { description, content: { 'application/json': { schema } } }]
    }),
  )
}

function successSchema(data: z.ZodType): object {
  return schemaOf(z.strictObject({ code: z.literal(OUTCOMES.SUCCESS.code), msg: z.string(), data }), 'output')
}

function errorSchema(outcomes: readonly Outcome[]): object {
  const codes = [...new Set(outcomes.map(outcome => OUTCOMES[outcome].code))]
  const envelope = z.strictObject({
    rid: z.string().optional().meta({ description: 'The id of the error in the log of the gateway.' }),
    code: z.literal(codes),
    msg: z.string(),
    data: z.null(),
    ...(outcomes.includes('RATE_LIMITED') && {
      retryAfter: z.int().min(1).optional().meta({ description: 'Seconds; the same as `Retry-After`.' }),
    }),
  })
  return schemaOf(envelope, 'output')
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', reused: 'inline' })
  return described
}
