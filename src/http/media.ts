import type { IncomingMessage, ServerResponse } from 'node:http'
import send from 'send'

/** Serves a file, with the Range requests that a browser seeks by. The file's name never changes its content. */
export const sendFile = (req: IncomingMessage, res: ServerResponse, file: string): void => {
  res.setHeader('cross-origin-resource-policy', 'cross-origin')
  res.setHeader('x-content-type-options', 'nosniff')
  send(req, file, { dotfiles: 'allow', maxAge: '1d', immutable: true })
    .on('error', (error: { status?: number }) => {
      res.statusCode = error.status ?? 500
      res.end()
    })
    .pipe(res)
}
