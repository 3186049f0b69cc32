import { z } from 'zod'
import { parse } from '../tasks/service/create-input.js'
import { success } from './envelope.js'
import type { Operation } from './operation.js'

const body = z.object({
  filename: z
    .string({ error: ({ input }) => (input == null ? 'is required' : 'must be a string') })
    .min(1, 'is required')
    .meta({ description: 'The name of the file. Only its ending matters.' }),
  content_type: z
    .string('must be a string')
    .nullish()
    .meta({ description: 'The media type. Missing or `application/octet-stream`: by the name.' }),
  file_size: z
    .int('must be a whole number')
    .nullish()
    .meta({ description: 'The exact size in bytes. Missing or 0: not known before the upload.' }),
})

const data = z.strictObject({
  sign_url: z.string().meta({ description: 'Where to PUT the bytes, within 30 minutes. The link is the credential.' }),
  asset_url: z.string().meta({ description: 'The link to give to a create once the bytes are there.' }),
  asset_id: z.string().meta({ description: "The same link, as JoggAI's v1 names it." }),
})

const uploadAsset: Operation = {
  id: 'uploadAsset',
  method: 'POST',
  path: '/upload/asset',
  v1Path: '/upload/asset',
  summary: 'Returns a link to upload a file to.',
  body,
  data,
  outcomes: ['PARAMETER_ERROR', 'NO_PERMISSION', 'RATE_LIMITED'],
  async respond({ body: given, tasks }) {
    const { filename, content_type, file_size } = parse(body, typeof given === 'object' && given !== null ? given : {})
    const { url, assetUrl } = await tasks.createUpload({
      filename,
      contentType: content_type,
      sizeBytes: file_size || null,
    })
    return success({ sign_url: url, asset_url: assetUrl, asset_id: assetUrl })
  },
}

export const uploadOperations = [uploadAsset]
