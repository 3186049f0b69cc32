import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError } from '../errors.js'
import { addressKey } from '../net/address.js'
import { createSlots } from '../slots.js'
import { createStaticFile, type StaticFile } from './static-files.js'

/** GraphiQL as a page, a style sheet and a script, each cached by browsers until it changes. */
export interface GraphiQL {
  sendPage(req: IncomingMessage, res: ServerResponse): Promise<void>
  /** Sends a file that the page refers to. Throws `NOT_FOUND` when there is none of that name. */
  sendFile(name: string, req: IncomingMessage, res: ServerResponse): Promise<void>
}

export interface SampleLinks {
  readonly videoUrl: string
  readonly audioUrl: string
}

const REVALIDATE = 'no-cache'
const IMMUTABLE = 'public, max-age=31536000, immutable'
/** Responses at a time for one address. Browsers open six connections. */
const MAX_PER_ADDRESS = 24

/**
 * @param sampleLinks the links that the example creates a video from; null when the upstream cannot read the sample. They
 *   are asked for at the first request, when the gateway knows its own address.
 */
export function createGraphiQL(sampleLinks: () => SampleLinks | null): GraphiQL {
  const slots = createSlots()
  let files: Promise<{ readonly page: StaticFile; readonly byName: ReadonlyMap<string, StaticFile> }> | null = null

  function load() {
    files ??= build(sampleLinks()).catch(thrown => {
      files = null
      throw thrown
    })
    return files
  }

  async function send(file: StaticFile, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const release = slots.acquire(addressKey(req.socket.remoteAddress ?? ''), MAX_PER_ADDRESS)
    if (!release)
      throw new GatewayError('RATE_LIMITED', `More than ${MAX_PER_ADDRESS} requests at a time.`, { retryAfter: 1 })
    res.once('close', release)
    await file.send(req, res)
  }

  return {
    async sendPage(req, res) {
      await send((await load()).page, req, res)
    },
    async sendFile(name, req, res) {
      const file = (await load()).byName.get(name)
      if (!file) throw new GatewayError('NOT_FOUND', 'GraphiQL has no file of this name.')
      await send(file, req, res)
    },
  }
}

/** Renders the library's self-contained page once and takes it apart. It is nine megabytes, so it is loaded on demand. */
async function build(sample: SampleLinks | null) {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const rendered = renderGraphiQL({
    title: 'lipsync-gateway',
    subscriptionsProtocol: 'SSE',
    shouldPersistHeaders: false,
    defaultTabs: [
      { query: FOLLOW_EXAMPLE, variables: null },
      { query: CREATE_EXAMPLE, variables: JSON.stringify(sample ?? PLACEHOLDER_LINKS, null, 2) },
    ],
  })
  const [style, script] = [inner(rendered, 'style'), inner(rendered, 'script')]
  const styleFile = createStaticFile(style, { type: 'text/css; charset=utf-8', cacheControl: IMMUTABLE })
  const scriptFile = createStaticFile(script, { type: 'text/javascript; charset=utf-8', cacheControl: IMMUTABLE })
  const styleName = `graphiql-${nameOf(styleFile)}.css`
  const scriptName = `graphiql-${nameOf(scriptFile)}.js`
  const page = createStaticFile(pageOf(styleName, scriptName), {
    type: 'text/html; charset=utf-8',
    cacheControl: REVALIDATE,
  })
  return {
    page,
    byName: new Map([
      [styleName, styleFile],
      [scriptName, scriptFile],
    ]),
  }
}

/** The content of the first element of this kind, up to the last closing tag. */
function inner(html: string, element: 'style' | 'script'): string {
  const start = html.indexOf(`<${element}>`)
  const end = element === 'script' ? html.lastIndexOf('</script>') : html.indexOf('</style>')
  if (start < 0 || end < start) throw new Error(`GraphiQL's page has no <${element}>`)
  return html.slice(start + element.length + 2, end)
}

function nameOf({ etag }: StaticFile): string {
  return etag.replaceAll('"', '')
}

/** The links are relative, so that the page also works below a path of another server. */
function pageOf(styleName: string, scriptName: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>lipsync-gateway</title>
    <link rel="stylesheet" href="graphql/${styleName}">
  </head>
  <body id="body" class="no-focus-outline">
    <noscript>GraphiQL needs JavaScript.</noscript>
    <div id="root"></div>
    <script src="graphql/${scriptName}"></script>
  </body>
</html>
`
}

const PLACEHOLDER_LINKS: SampleLinks = {
  videoUrl: 'https://example.com/presenter.mp4',
  audioUrl: 'https://example.com/speech.mp3',
}

const FOLLOW_EXAMPLE = `# Follow all tasks in this tab, and create one in the next.
subscription Follow {
  tasksUpdated {
    stage
    progress
    task {
      id
      result { resultUrl coverUrl durationSeconds credits }
      failure { code message }
    }
  }
}
`

const CREATE_EXAMPLE = `mutation Create($videoUrl: URL!, $audioUrl: URL!) {
  createLipSync(input: { videoUrl: $videoUrl, audioUrl: $audioUrl }) {
    task { id stage }
    errors { code message path }
  }
}
`
