import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createGateway, type Gateway } from '../../src/index.js'
import { hasChromium, startChromium } from '../support/chromium.js'
import { instantUpstream } from '../support/instant-upstream.js'

// A browser starts here.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' }

describe.skipIf(!hasChromium)('the pages of the examples, in Chromium', () => {
  let browser: Browser
  let pages: Awaited<ReturnType<typeof startPages>>
  let gateway: Gateway
  let url: string

  beforeAll(async () => {
    pages = await startPages()
    gateway = await createGateway({
      port: 0,
      databaseUrl: ':memory:',
      dataDir: join(tmpdir(), 'lipsync-browser'),
      upstream: instantUpstream,
      corsOrigins: [pages.url],
      poll: { firstMs: 1, minMs: 1, maxMs: 1 },
      logLevel: 'silent',
    })
    url = await gateway.listen()
    browser = await startChromium()
  })

  afterAll(async () => {
    await browser?.close()
    await gateway?.[Symbol.asyncDispose]()
    await pages?.close()
  })

  async function open(page: Page, name: string, search: Record<string, string> = {}) {
    await page.goto(`${pages.url}/examples/${name}?${new URLSearchParams({ gateway: url, ...search })}`)
  }
  async function linesOf(page: Page) {
    return ((await page.textContent('pre')) ?? '').trim().split('\n')
  }

  test('browser-sse.html creates a task and follows it to its result', async () => {
    const page = await browser.newPage()
    await open(page, 'browser-sse.html')
    await page.click('button')
    await page.waitForSelector('video[src="https://media.example/result.mp4"]', { state: 'attached' })
    expect(await linesOf(page)).toEqual(['QUEUED', 'SUBMITTING', 'SUBMITTED', 'SUCCESS'])
    await page.close()
  })

  test('browser-sse.html names the option that lets its origin in', async () => {
    const page = await browser.newPage()
    await open(page, 'browser-sse.html', { gateway: 'http://127.0.0.1:9' })
    await page.click('button')
    await page.waitForFunction(() => document.querySelector('pre')?.textContent?.includes('CORS_ORIGINS'))
    await page.close()
  })

  test('browser-ws.html follows a task to its end, and shows the result again after a reload', async () => {
    const { id } = await gateway.tasks.create({
      videoUrl: 'https://media.example/v.mp4',
      audioUrl: 'https://media.example/a.mp3',
    })
    const page = await browser.newPage()
    await open(page, 'browser-ws.html', { id })
    await page.waitForFunction(() => document.querySelector('pre')?.textContent?.includes('final'))
    expect((await linesOf(page)).slice(-2)).toEqual(['SUCCESS', 'The task is final.'])
    await page.reload()
    await page.waitForSelector('video[src="https://media.example/result.mp4"]', { state: 'attached' })
    await page.waitForFunction(() => document.querySelector('pre')?.textContent?.includes('final'))
    expect(await linesOf(page)).toEqual(['SUCCESS', 'The task is final.'])
    await page.close()
  })
})

/** Serves the repository, as `npx serve` would. */
async function startPages() {
  const server = createServer(async (req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'http://localhost')
    const file = await readFile(join(ROOT, pathname)).catch(() => null)
    res
      .writeHead(file ? 200 : 404, { 'content-type': TYPES[extname(pathname)] ?? 'application/octet-stream' })
      .end(file)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => new Promise(resolve => server.close(resolve)) }
}
