import type { Readiness } from '../readiness.js'
import type { GraphiQL } from './graphiql.js'
import type { GraphQLServer } from './graphql.js'
import { sendFile } from './media.js'
import { sendFrontPage, sendNoExplorerPage } from './pages.js'
import { type RestParts, restRoutes } from './rest.js'
import { type CallerRoute, type PublicRoute, pathOf, type Route } from './router.js'
import { sendJson } from './send-json.js'
import { type UploadRouteParts, uploadRoute } from './upload.js'

export interface RoutesParts {
  graphql: GraphQLServer
  rest: RestParts
  upload: UploadRouteParts
  /** Null: GraphiQL is switched off. */
  graphiql: GraphiQL | null
  readiness(): Promise<Readiness>
  /** Returns the file behind a path such as `/media/…`, or null when the path has no file. */
  mediaFile(pathname: string): string | null
}

const MAX_BODY_BYTES = 100_000
/** Only a batch may need more: 500 tracks with long links. No other operation is looked at. */
const LARGE_BODY = {
  maxBytes: 2_000_000,
  isFor: (body: unknown) => /\bcreateLipSyncBatch\b/.test(String(Object(body).query)),
}

/** Every path of the gateway. */
export function createRoutes({ graphql, rest, upload, graphiql, readiness, mediaFile }: RoutesParts): Route[] {
  const operations: CallerRoute = {
    methods: ['GET', 'POST'],
    path: '/graphql',
    kind: 'data',
    errors: 'graphql',
    access: 'caller',
    maxBodyBytes: MAX_BODY_BYTES,
    largeBody: LARGE_BODY,
    page: graphiql
      ? { kind: 'graphiql', handle: ({ req, res }) => graphiql.sendPage(req, res) }
      : { kind: 'page', handle: ({ res }) => sendNoExplorerPage(res) },
    handle: ({ req, res, session, body }) => graphql.handle(req, res, session, body),
  }
  const graphiqlFiles: PublicRoute | null = graphiql && {
    ...PUBLIC,
    path: '/graphql/:file(^graphiql-[\\w-]+\\.(?:css|js)$)',
    kind: 'graphiql',
    handle: ({ req, res, params: { file = '' } }) => graphiql.sendFile(file, req, res),
  }
  const media: PublicRoute = {
    ...PUBLIC,
    path: '/media/*',
    kind: 'media',
    exists: req => mediaFile(pathOf(req)) !== null,
    handle: ({ req, res }) => sendFile(req, res, mediaFile(pathOf(req)) ?? ''),
  }
  const health: PublicRoute = {
    ...PUBLIC,
    path: '/health',
    handle: ({ res }) => sendJson(res, 200, { status: 'alive' }),
  }
  const ready: PublicRoute = {
    ...PUBLIC,
    path: '/ready',
    handle: async ({ res }) => {
      const { ready, checks } = await readiness()
      sendJson(res, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', checks })
    },
  }
  const front: PublicRoute = {
    ...PUBLIC,
    path: '/',
    kind: 'page',
    onlyStandalone: true,
    handle: ({ res }) => sendFrontPage(res, { explorer: graphiql !== null }),
  }
  return [
    operations,
    ...(graphiqlFiles ? [graphiqlFiles] : []),
    media,
    uploadRoute(upload),
    health,
    ready,
    front,
    ...restRoutes(rest),
  ]
}

const PUBLIC = {
  methods: ['GET', 'HEAD'],
  kind: 'data',
  errors: 'json',
  access: 'public',
} as const satisfies Partial<PublicRoute>
