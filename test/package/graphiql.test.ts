import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { addKeysCommand } from '../../src/cli/keys.js'
import { systemClock } from '../../src/clock.js'
import { createGateway, type Gateway } from '../../src/index.js'
import { hasChromium, startChromium } from '../support/chromium.js'
import { instantUpstream } from '../support/instant-upstream.js'

// A browser starts here, and loads the nine megabytes of GraphiQL.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const VIDEO = 'https://media.example/v.mp4'
const AUDIO = 'https://media.example/a.mp3'

describe.skipIf(!hasChromium)('GraphiQL, in Chromium', () => {
  let browser: Browser
  let dataDir: string
  let gateway: Gateway
  let url: string

  // One gateway for all tests: it compresses GraphiQL once.
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'graphiql-browser-'))
    const poll = { firstMs: 1, minMs: 1, maxMs: 1 }
    gateway = await createGateway({ port: 0, dataDir, upstream: instantUpstream, poll, logLevel: 'silent' })
    url = await gateway.listen()
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await gateway?.[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true })
  })

  test('runs a query, and shows the events of a subscription', async () => {
    const graphiql = await openGraphiQL(browser, url)
    await graphiql.run('query Me { viewer { name } }')
    await graphiql.shows('"viewer": { "name": "open"')

    await gateway.tasks.create({ videoUrl: VIDEO, audioUrl: AUDIO, reference: 'before' })
    await graphiql.run('subscription Events { tasksUpdated(after: "0") { stage task { reference } } }')
    await graphiql.shows('"tasksUpdated": { "stage": "SUCCESS", "task": { "reference": "before"')
    await gateway.tasks.create({ videoUrl: VIDEO, audioUrl: AUDIO, reference: 'after' })
    await graphiql.shows('"tasksUpdated": { "stage": "SUCCESS", "task": { "reference": "after"')
    expect(graphiql.violations).toEqual([])
    expect(graphiql.origins()).toEqual([url])
  })

  test('uses the API key of its headers tab, once the first key has closed the gateway', async () => {
    const key = await createKey(dataDir)
    await expect.poll(() => statusOf(url)).toBe(401)
    const graphiql = await openGraphiQL(browser, url)
    await graphiql.run('query Me { viewer { name } }')
    await graphiql.shows('"code": "UNAUTHENTICATED"')

    await graphiql.setHeaders({ authorization: `Bearer ${key}` })
    await graphiql.run('query MeAgain { viewer { name } }')
    await graphiql.shows('"viewer": { "name": "acme"')

    await gateway.tasksOf('acme').create({ videoUrl: VIDEO, audioUrl: AUDIO })
    await graphiql.run('subscription Events { tasksUpdated(after: "0") { stage task { caller } } }')
    await graphiql.shows('"tasksUpdated": { "stage": "SUCCESS", "task": { "caller": "acme"')
    expect(graphiql.violations).toEqual([])
    expect(graphiql.origins()).toEqual([url])
  })
})

/** Opens GraphiQL in a browser context of its own. */
async function openGraphiQL(browser: Browser, url: string) {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  const violations: string[] = []
  const origins = new Set<string>()
  context.on('request', request => {
    const { protocol, origin } = new URL(request.url())
    // A data URL is no request to anywhere. The origin of a blob is that of the page which made it.
    if (protocol !== 'data:') origins.add(origin)
  })
  context.on('console', message => {
    if (/content.security.policy/i.test(message.text())) violations.push(message.text().slice(0, 300))
  })
  context.on('weberror', ({ error }) => violations.push(String(error())))
  const page = await context.newPage()
  page.on('websocket', socket => origins.add(new URL(socket.url()).origin))
  await page.goto(`${url}/graphql`)

  async function fill(editor: string, text: string) {
    await page.click(`${editor} .view-lines`)
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.insertText(text)
    // The brackets that the editor added.
    await page.keyboard.press('ControlOrMeta+Shift+End')
    await page.keyboard.press('Delete')
  }

  return {
    violations,
    origins: () => [...origins],
    /** Writes an operation, which has a name, into the editor, and executes it once the editor has read it. */
    async run(operation: string) {
      await fill('.graphiql-query-editor', operation)
      const [, name] = operation.split(' ')
      await page.waitForSelector(`.graphiql-tab-active:has-text("${name}")`)
      await page.click('.graphiql-execute-button')
    },
    async setHeaders(headers: Record<string, string>) {
      await page.click('.graphiql-editor-tools button:has-text("Headers")')
      await fill('.graphiql-editor-tool .graphiql-editor:not(.hidden)', JSON.stringify(headers))
    },
    /** Waits until the result contains this JSON. */
    async shows(json: string) {
      const result = async () => (await page.textContent('.graphiql-response .view-lines'))?.replaceAll(/\s/g, '')
      await expect.poll(result, { timeout: 30_000 }).toContain(json.replaceAll(/\s/g, ''))
    },
  }
}

/** The status of a request without a credential. */
async function statusOf(url: string): Promise<number> {
  const body = JSON.stringify({ query: '{ viewer { name } }' })
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body,
  })
  return response.status
}

/** Creates an API key for the caller `acme`, which closes the gateway to anonymous requests. */
async function createKey(dataDir: string): Promise<string> {
  const printed: string[] = []
  const print = (line: string) => void printed.push(line)
  const program = new Command()
  addKeysCommand(program, { env: { DATA_DIR: dataDir }, clock: systemClock, print, explain: () => {} })
  await program.parseAsync(['keys', 'create', 'acme'], { from: 'user' })
  return printed.join('')
}
