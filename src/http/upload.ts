import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError } from '../errors.js'
import type { UploadReceiver } from '../uploads/upload-receiver.js'
import { letContinue } from './continue.js'
import { type PublicRoute, pathOf } from './router.js'
import { sendJson } from './send-json.js'

export interface UploadRouteParts {
  readonly receiver: Pick<UploadReceiver, 'receive'>
  readonly linkTo: (path: string) => string
}

/** An upload whose client sends nothing for this long is cut. */
const IDLE_MS = 60_000
/** The longest time of an upload: 500 MB at a little over 1 Mbit/s. */
export const LONGEST_UPLOAD_MS = 3_600_000

/** Where the bytes of uploads are sent to. The link is the credential, so no other one is looked at. */
export function uploadRoute({ receiver, linkTo }: UploadRouteParts): PublicRoute {
  return {
    methods: ['PUT'],
    path: `${UPLOAD_PATH}*`,
    kind: 'data',
    errors: 'json',
    access: 'public',
    async handle({ req, res }) {
      using _limit = limitTime(req)
      const { 'content-length': length, 'content-encoding': encoding = 'identity' } = req.headers
      if (encoding !== 'identity') throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'Send the file uncompressed.')
      const { assetPath, sizeBytes, sha256 } = await receiver.receive(pathOf(req).slice(UPLOAD_PATH.length), {
        contentLength: length === undefined ? null : Number(length),
        open: () => opened(req, res),
      })
      sendJson(res, 200, {
        code: 0,
        msg: 'Success',
        data: { asset_url: linkTo(assetPath), size: sizeBytes, sha256 },
      })
    },
  }
}

/** Below it is the token of the link. */
export const UPLOAD_PATH = '/uploads/'

function opened(req: IncomingMessage, res: ServerResponse): IncomingMessage {
  letContinue(req, res)
  return req
}

function limitTime(req: IncomingMessage): Disposable {
  const cut = () => req.destroy()
  const timer = setTimeout(cut, LONGEST_UPLOAD_MS)
  req.socket.setTimeout(IDLE_MS, cut)
  return {
    [Symbol.dispose]() {
      clearTimeout(timer)
      req.socket.setTimeout(0)
      req.socket.off('timeout', cut)
    },
  }
}
