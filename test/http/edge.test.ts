import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestGateway } from '../support/gateway.js'
import { ask, openConnection } from '../support/raw-http.js'

let gw: Awaited<ReturnType<typeof startTestGateway>>
beforeAll(async () => {
  gw = await startTestGateway()
})
afterAll(() => gw[Symbol.asyncDispose]())

const QUERY = '/graphql?query={__typename}'
describe('methods', () => {
  test.each(['/health', '/ready', '/'])('%s is read-only', async path => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const { status, headers, body } = await ask(gw.url + path, { method })
      expect([status, headers.allow], method).toEqual([405, 'GET, HEAD'])
      expect(JSON.parse(body).error.code).toBe('METHOD_NOT_ALLOWED')
    }
  })

  test('/graphql names the methods that it supports, in its own format', async () => {
    const { status, headers, body } = await ask(`${gw.url}/graphql`, { method: 'PUT' })
    expect([status, headers.allow]).toEqual([405, 'GET, POST'])
    expect(JSON.parse(body).errors[0].extensions).toEqual({ code: 'METHOD_NOT_ALLOWED' })
  })
})

describe('headers', () => {
  test('no response of /graphql is stored by a cache', async () => {
    const answers = await Promise.all([
      ask(gw.url + QUERY),
      ask(`${gw.url}/graphql`, { method: 'PUT' }),
      ask(gw.url + QUERY, { headers: { authorization: 'Bearer wrong' } }),
      ask(`${gw.url}/graphql`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 405, 401, 415])
    for (const { headers } of answers) {
      expect(headers['cache-control']).toBe('no-store')
      expect(headers.vary).toContain('Origin')
    }
  })

  test('only GraphiQL may run scripts', async () => {
    const policyOf = async (path: string, accept = '*/*') =>
      String((await ask(gw.url + path, { headers: { accept } })).headers['content-security-policy'])
    for (const path of ['/health', '/ready', '/', QUERY]) {
      expect(await policyOf(path)).toContain("default-src 'none'")
      expect(await policyOf(path)).not.toContain('script-src')
    }
    const policy = await policyOf('/graphql', 'text/html')
    expect(policy).toContain("script-src 'self' blob:;")
    expect(policy).toContain("frame-ancestors 'none'")
  })

  test('rejects two Host headers', async () => {
    for (const path of ['/health', QUERY]) {
      const second = `host: evil.example\r\nconnection: close\r\n\r\n`
      const socket = await openConnection(gw.url, `GET ${path} HTTP/1.1\r\nhost: ${hostOf(gw.url)}\r\n${second}`)
      expect(String(Buffer.concat(await socket.toArray()))).toMatch(/^HTTP\/1.1 400 /)
      socket.destroy()
    }
  })
})

describe('a rejected handshake', () => {
  test.each([
    ['/elsewhere', 'http://127.0.0.1', '404'],
    ['/graphql', 'https://evil.example', '403'],
  ])('at %s from %s is closed although the client keeps its half open', async (path, origin, status) => {
    const handshake = [`GET ${path} HTTP/1.1`, `host: ${hostOf(gw.url)}`, 'connection: upgrade', 'upgrade: websocket']
    const socket = await openConnection(gw.url, `${[...handshake, `origin: ${origin}`].join('\r\n')}\r\n\r\n`)
    const [head] = await once(socket, 'data')
    expect(String(head)).toContain(`HTTP/1.1 ${status}`)
    // A server that has ended only its half still takes what this side sends.
    const failed = once(socket, 'error').catch(() => {})
    const sending = setInterval(() => socket.write('x'), 1)
    await failed
    clearInterval(sending)
    expect(socket.destroyed).toBe(true)
  })
})

describe('below another server', () => {
  const mounted = async (app: express.Express) => {
    const server = createServer(app)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      [Symbol.asyncDispose]: async () => {
        server.closeAllConnections()
        await new Promise(resolve => server.close(resolve))
      },
    }
  }
  const operation = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{__typename}"}',
  }

  test('a base path that the host strips works', async () => {
    await using host = await mounted(express().use('/lipsync', gw.gateway.requestListener))
    expect(await ask(`${host.url}/lipsync/graphql`, operation)).toMatchObject({
      status: 200,
      body: '{"data":{"__typename":"Query"}}',
    })
    expect((await ask(`${host.url}/lipsync/ready`)).status).toBe(200)
  })

  test('a WebSocket below the path of publicUrl works', async () => {
    await using below = await startTestGateway({ publicUrl: 'http://127.0.0.1/lipsync/' })
    const host = createServer(express().use('/lipsync', below.gateway.requestListener))
    const handled: (string | boolean | undefined)[] = []
    host.on('upgrade', (req, socket, head) => {
      const isHandled = below.gateway.upgradeHandler(req, socket, head)
      handled.push(req.url, isHandled)
      if (!isHandled) socket.destroy()
    })
    await new Promise<void>(resolve => host.listen(0, '127.0.0.1', resolve))
    const url = `127.0.0.1:${(host.address() as AddressInfo).port}`
    const client = createClient({ url: `ws://${url}/lipsync/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 })
    const { value } = await client.iterate({ query: '{ __typename }' }).next()
    expect(value).toEqual({ data: { __typename: 'Query' } })
    await client.dispose()
    for (const path of ['/lipsync', '/graphql/lipsync', '/lipsync/graphql/'])
      await once(new WebSocket(`ws://${url}${path}`), 'error')
    expect(handled).toEqual([
      '/lipsync/graphql',
      true,
      '/lipsync',
      false,
      '/graphql/lipsync',
      false,
      '/lipsync/graphql/',
      false,
    ])
    host.closeAllConnections()
    await new Promise(resolve => host.close(resolve))
  })

  test('a base path that the host does not strip is explained', async () => {
    await using host = await mounted(express().use((req, res) => gw.gateway.requestListener(req, res)))
    const { status, body } = await ask(`${host.url}/lipsync/graphql`, operation)
    expect(status).toBe(404)
    expect(JSON.parse(body).error.message).toContain('must strip that path')
  })

  test("a body that the host's parser has read is used", async () => {
    await using host = await mounted(express().use(express.json(), gw.gateway.requestListener))
    expect((await ask(`${host.url}/graphql`, operation)).body).toBe('{"data":{"__typename":"Query"}}')
  })

  test('leaves the root to the host', async () => {
    const app = express().use(gw.gateway.requestListener)
    await using host = await mounted(app.all('/', (req, res) => void res.end(`${req.method} by the host`)))
    for (const method of ['GET', 'POST'])
      expect((await ask(`${host.url}/`, { method })).body).toBe(`${method} by the host`)
  })
})

test('a framework that presets another status does not change that of a media file', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'edge-'))
  await using engine = await startTestGateway({ upstream: 'engine', dataDir })
  const host = createServer((req, res) => {
    // As Koa does before its middleware runs.
    res.statusCode = 404
    engine.gateway.requestListener(req, res)
  })
  await new Promise<void>(resolve => host.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/media/sample/speech.m4a`
  expect((await ask(url)).status).toBe(200)
  expect((await ask(url, { headers: { range: 'bytes=0-9' } })).status).toBe(206)
  await new Promise(resolve => host.close(resolve))
  rmSync(dataDir, { recursive: true })
})

test('the root of a gateway on a port of its own is a page with links', async () => {
  const { status, headers, body } = await ask(gw.url)
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  for (const link of ['graphql', 'health', 'ready']) expect(body).toContain(`href="${link}"`)
})

function hostOf(url: string) {
  return new URL(url).host
}
