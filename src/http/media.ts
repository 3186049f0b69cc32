import type { IncomingMessage, ServerResponse } from 'node:http'
import send from 'send'

/** Serves a media file, with Range requests for seeking. The content behind a name never changes. */
export function sendFile(req: IncomingMessage, res: ServerResponse, file: string): void {
  // Frameworks such as Koa preset another status, which `send` would keep.
  res.statusCode = 200
  send(req, file, { dotfiles: 'allow', maxAge: '1d', immutable: true })
    .on('error', (error: { status?: number }) => {
      res.statusCode = error.status ?? 500
      res.end()
    })
    .pipe(res)
}
