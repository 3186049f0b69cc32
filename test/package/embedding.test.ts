import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { code, startJogg } from '../support/jogg.js'
import { freePort, installPacked } from '../support/packed.js'

const EXAMPLES = new URL('../../examples/', import.meta.url)
const examples = readdirSync(EXAMPLES).filter(name => name.endsWith('.ts'))
const servers = ['node-http.js', 'express.js', 'fastify.js']

const TYPES = `
import { createGateway, type Gateway, type GatewayOptions, type Task } from 'lipsync-gateway'
const options: GatewayOptions = { port: 0, corsOrigins: ['https://a.example'] }
// @ts-expect-error a port is a number
options.port = '80'
export const gateway: Gateway = await createGateway(options)
// @ts-expect-error a task has a video
await gateway.tasks.create({ audioUrl: '' })
export function resultOf(task: Task) {
  // @ts-expect-error only a task that succeeded has a result
  task.result
  return task.stage === 'success' ? task.result.durationMs : 0
}
`

// Several processes start here at a time.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

let packed: Awaited<ReturnType<typeof installPacked>>

beforeAll(async () => {
  packed = await installPacked(['express', 'fastify', '@types/express', '@types/node', 'ws', '@types/ws'])
  for (const name of examples) await packed.write(name, readFileSync(new URL(name, EXAMPLES), 'utf8'))
  await packed.write('types.ts', TYPES)
  await packed.compile(...examples, 'types.ts')
})

afterAll(() => packed?.[Symbol.asyncDispose]())

test('the package contains what it needs and nothing else', () => {
  const rest = packed.files.filter(
    file => !/^(dist\/[\w/.-]+\.(js|d\.ts|js\.map)|drizzle\/(postgres|sqlite)\/.+\.(sql|json))$/.test(file),
  )
  expect(rest.sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'package.json',
    'schema.graphql',
    'src/sample/presenter.mp4',
    'src/sample/speech.m4a',
  ])
  expect(examples.map(name => name.replace('.ts', '.js'))).toEqual(expect.arrayContaining(servers))
})

test('its own types hold without skipLibCheck', async () => {
  const errors = await packed.typeErrors('types.ts')
  expect(errors.filter(line => line.includes('lipsync-gateway'))).toEqual([])
})

test('its public types lead to no internals of the edge or the store', async () => {
  const reached = await packed.filesOf('types.ts')
  expect(reached).toContain('index.d.ts')
  expect(reached.filter(file => /^(graphql|http|store|cli|upstream)\//.test(file))).toEqual([])
})

test.concurrent.each(servers)('the gateway works in the server of an app: %s', async name => {
  await using jogg = await startJogg()
  jogg.plays(code('submit', 40000, 'bad video'))
  const port = await freePort()
  const { child, ended, printed } = await packed.run(name, {
    PORT: `${port}`,
    JOGG_API_KEY: jogg.apiKey,
    JOGG_BASE_URL: jogg.url,
  })
  await printed('gateway started')

  const url = `http://127.0.0.1:${port}`
  expect(await (await fetch(url)).text()).toBe('The app itself')
  expect((await fetch(`${url}/ready`)).status).toBe(200)
  const input = { videoUrl: 'https://media.example/v.mp4', audioUrl: 'https://media.example/a.mp3' }
  const query = 'mutation ($input: CreateLipSyncInput!) { createLipSync(input: $input) { task { id } } }'
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ query, variables: { input } })
  const { data } = await (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).json()

  const socketUrl = url.replace('http', 'ws')
  const client = createClient({ url: `${socketUrl}/graphql`, webSocketImpl: WebSocket })
  const stages: (string | undefined)[] = []
  const follow = 'subscription ($id: ID!) { taskUpdated(id: $id, after: "0") { stage } }'
  for await (const step of client.iterate<{ taskUpdated: { stage: string } }>({
    query: follow,
    variables: data.createLipSync.task,
  }))
    stages.push(step.data?.taskUpdated.stage)
  expect(stages).toEqual(['QUEUED', 'SUBMITTING', 'FAILED'])

  const own = new WebSocket(`${socketUrl}/own`)
  if (name === 'express.js') expect(String((await once(own, 'message'))[0])).toBe("The app's own socket")
  else await once(own, 'error')

  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 0 })
  client.terminate()
})

test.concurrent('an app uses the tasks without GraphQL, and its process ends by itself', async () => {
  await using jogg = await startJogg()
  jogg.plays(code('submit', 40000, 'bad video'))
  const { ended } = await packed.run('tasks-without-graphql.js', { JOGG_API_KEY: jogg.apiKey, JOGG_BASE_URL: jogg.url })
  expect(await ended).toEqual({ code: 0, stderr: '', stdout: 'queued\nsubmitting\nfailed\nbad video\n1 failed\n' })
})

test.concurrent('the commands report what they did, or why they did not', async () => {
  const run = (command: string, env: Record<string, string>) =>
    packed.run(`node_modules/lipsync-gateway/dist/cli.js ${command}`, env)
  const databaseUrl = `file:${packed.folder}/made/gateway.db`
  const env = { PORT: '0', DATABASE_URL: databaseUrl, JOGG_API_KEY: 'key', JOGG_BASE_URL: 'http://127.0.0.1:9' }

  const wrong = await (await run('serve', { PORT: 'x', UPSTREAM: 'jogg' })).ended
  expect(wrong).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('PORT: must be a whole number') })
  expect(wrong.stderr).toContain('JOGG_API_KEY: is required')
  expect(await (await run('migrate', env)).ended).toEqual({
    code: 0,
    stdout: `Up to date: ${databaseUrl}\n`,
    stderr: '',
  })

  const { child, ended, printed } = await run('serve', env)
  await printed('"listening on ')
  child.kill('SIGTERM')
  const { code, stdout, stderr } = await ended
  const messages = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).msg)
  expect([code, stderr, messages.at(-1)]).toEqual([0, '', 'gateway stopped'])
})
