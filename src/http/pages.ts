import type { ServerResponse } from 'node:http'

/** The page at `/`, with links to the others. */
export function sendFrontPage(res: ServerResponse, { explorer }: { explorer: boolean }): void {
  sendPage(
    res,
    200,
    `<h1>lipsync-gateway</h1>
    <p>A GraphQL gateway for lip-sync video. It is running.</p>
    <ul>
      ${explorer ? '<li><a href="graphql">GraphiQL</a>: try the API in the browser</li>' : '<li><code>/graphql</code>: the API</li>'}
      <li><a href="health">Health</a>: whether the process is alive</li>
      <li><a href="ready">Readiness</a>: whether every part works</li>
      <li>Documentation: <code>README.md</code> and <code>docs/</code> of the package</li>
    </ul>`,
  )
}

/** The page at `/graphql` for a browser when GraphiQL is switched off. */
export function sendNoExplorerPage(res: ServerResponse): void {
  sendPage(
    res,
    406,
    `<h1>GraphiQL is switched off</h1>
    <p>This is the GraphQL endpoint of a lipsync-gateway that runs with <code>EXPLORER=false</code>. It has no page for
    browsers. Send operations as <code>POST</code> requests with <code>content-type: application/json</code>.</p>`,
  )
}

function sendPage(res: ServerResponse, status: number, body: string): void {
  res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  res.end(`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>lipsync-gateway</title>
    <style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }</style>
  </head>
  <body>
    ${body}
  </body>
</html>
`)
}
