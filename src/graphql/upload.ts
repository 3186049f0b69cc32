import type { UploadTicket } from '../tasks/service/upload-request.js'
import { builder } from './builder.js'
import { LipSyncUserError, payloadOf } from './user-error.js'

const LipSyncHeader = builder.objectRef<readonly [string, string]>('LipSyncHeader').implement({
  description: 'A header of an HTTP request.',
  fields: t => ({
    name: t.string({ description: 'Its name.', resolve: ([name]) => name }),
    value: t.string({ description: 'Its value.', resolve: ([, value]) => value }),
  }),
})

const LipSyncUpload = builder.objectRef<UploadTicket>('LipSyncUpload').implement({
  description: 'Where and how to send the bytes of a file, and the link to the file once they are there.',
  fields: t => ({
    url: t.expose('url', {
      type: 'URL',
      description: 'Where to send the bytes. The link is the credential: the request needs no other one.',
    }),
    method: t.exposeString('method', { description: 'The method of the request: `PUT`.' }),
    headers: t.field({
      type: [LipSyncHeader],
      description: 'The headers of the request.',
      resolve: ({ headers }) => Object.entries(headers),
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'The request must begin before this time.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
    assetUrl: t.expose('assetUrl', {
      type: 'URL',
      description: 'The link to give to `createLipSync` once the request succeeded.',
    }),
  }),
})

builder.relayMutationField(
  'createUpload',
  {
    description: 'A video or audio file to upload.',
    inputFields: t => ({
      filename: t.string({ required: true, description: 'Its name. Only the ending matters.' }),
      contentType: t.string({ description: 'Its media type, such as `video/mp4`. By the name when left out.' }),
      sizeBytes: t.float({ description: 'Its exact size. When left out, any size up to the limit is accepted.' }),
    }),
  },
  {
    nullable: true,
    description:
      'Returns a link to upload a file to. Nothing is stored before its bytes have arrived and were found to be a video or an audio file.',
    resolve: (_, { input }, { tasks }) => payloadOf(() => tasks.createUpload(input)),
  },
  {
    description: 'The result of `createUpload`.',
    outputFields: t => ({
      upload: t.field({
        type: LipSyncUpload,
        nullable: true,
        description: 'The link; null when there are errors.',
        resolve: ({ value }) => value,
      }),
      errors: t.expose('errors', {
        type: [LipSyncUserError],
        description: 'Every mistake in the input; empty when the mutation was carried out.',
      }),
    }),
  },
)
