import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { type PostgresServer, postgresBinaries, startPostgres } from './server.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Returns the URL of the server of this run, which the first request starts. Null: there is no Postgres. */
    postgresStarter: string | null
  }
}

let starter: Promise<AsyncDisposable & { readonly url: string }> | null = null

/** Starts one Postgres for the whole run, once a test asks for it. */
export default async function setup(project: TestProject) {
  const binaries = postgresBinaries()
  if (!process.env.TEST_DATABASE_URL && !binaries) {
    project.provide('postgresStarter', null)
    return
  }
  starter ??= startStarter(binaries)
  project.provide('postgresStarter', (await starter).url)
  return async () => {
    const started = starter
    starter = null
    await (await started)?.[Symbol.asyncDispose]()
  }
}

async function startStarter(binaries: string | null) {
  let server: Promise<PostgresServer> | null = null
  const start = async () => {
    if (process.env.TEST_DATABASE_URL) return process.env.TEST_DATABASE_URL
    if (binaries === null) throw new Error('no Postgres')
    server ??= startPostgres(binaries)
    return (await server).url
  }
  const http = createServer((_, response) => {
    start().then(
      url => response.end(url),
      thrown => response.writeHead(500).end(String(thrown)),
    )
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  http.unref()
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      http.close()
      http.closeAllConnections()
      await (await server)?.[Symbol.asyncDispose]()
    },
  }
}
