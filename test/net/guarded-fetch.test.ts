import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { asFetchError, guardedFetch } from '../../src/net/guarded-fetch.js'
import { serve } from '../support/engine-media.js'

const options = { allowedHosts: ['127.0.0.1'], idleMs: 10_000, signal: new AbortController().signal }

test('a request is sent with its method, headers and body', async () => {
  await using server = await serve({
    '/hook': async (req, res) => void res.writeHead(202).end(`${req.method} ${req.headers['x-a']} ${await text(req)}`),
  })
  await using response = await guardedFetch(server.url('/hook'), {
    ...{ ...options, method: 'POST', headers: { 'x-a': 'b' }, body: 'news' },
  })
  expect(response.status).toBe(202)
  expect(await text(response.body)).toBe('POST b news')
})

test('redirects can be disabled', async () => {
  await using server = await serve({ '/a': (_req, res) => void res.writeHead(302, { location: '/b' }).end() })
  const fetched = guardedFetch(server.url('/a'), { ...options, maxRedirects: 0 })
  await expect(fetched).rejects.toMatchObject({ code: 'REDIRECT', message: 'the server redirects more than 0 times' })
})

test('an unknown host and a private one give the same error', async () => {
  const errors = await Promise.all(
    ['http://nowhere.invalid/', 'http://localhost/', 'http://10.0.0.1/', 'http://168.63.129.16/'].map(url =>
      guardedFetch(url, { ...options, allowedHosts: [] }).catch(asFetchError),
    ),
  )
  for (const error of errors)
    expect(error).toMatchObject({
      name: 'FetchError',
      code: 'HOST_REFUSED',
      message: 'the host is unknown or not public',
    })
})

test('an aborted request rejects with the reason', async () => {
  await using server = await serve({ '/a': () => {} })
  const reason = new Error('enough')
  await expect(guardedFetch(server.url('/a'), { ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})
