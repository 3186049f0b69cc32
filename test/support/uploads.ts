import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { GatewayOptions } from '../../src/config.js'
import { startGatewayWithKeys } from './callers.js'

export type UploadGateway = Awaited<ReturnType<typeof startUploadGateway>>

export interface SeenUpload {
  readonly url: string
  readonly method: string
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly expiresAt: string
  readonly assetUrl: string
}

const SAMPLE = fileURLToPath(new URL('../../src/sample/', import.meta.url))

export const sampleVideo = () => readFile(join(SAMPLE, 'presenter.mp4'))
export const sampleAudio = () => readFile(join(SAMPLE, 'speech.m4a'))

/** A gateway with a data folder of its own, which is removed after the test. */
export async function startUploadGateway(options: GatewayOptions = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'uploads-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const gw = await startGatewayWithKeys({ dataDir, ...options })

  async function tryCreateUpload(input: object, headers: Record<string, string> = {}) {
    const query = `mutation ($input: CreateUploadInput!) { createUpload(input: $input) {
      upload { url method headers { name value } expiresAt assetUrl } errors { code message path } } }`
    const { data } = await gw.graphql(query, { input }, headers)
    return data.createUpload as { upload: SeenUpload | null; errors: { code: string; path: string[] | null }[] }
  }

  async function createUpload(input: object, headers?: Record<string, string>): Promise<SeenUpload> {
    const { upload, errors } = await tryCreateUpload(input, headers)
    if (!upload) throw new Error(JSON.stringify(errors))
    return upload
  }

  return {
    ...gw,
    dataDir,
    tryCreateUpload,
    createUpload,
    /** Uploads bytes and returns the link to the file. */
    async upload(bytes: Uint8Array, filename: string, headers?: Record<string, string>): Promise<string> {
      const upload = await createUpload({ filename, sizeBytes: bytes.length }, headers)
      const { status } = await put(upload, bytes)
      if (status !== 200) throw new Error(`The upload was answered ${status}.`)
      return upload.assetUrl
    },
    /** The names of all files in the data folder. */
    async files(): Promise<string[]> {
      const entries = await readdir(dataDir, { recursive: true, withFileTypes: true })
      return entries.filter(entry => entry.isFile()).map(entry => entry.name)
    },
    async kept(headers?: Record<string, string>): Promise<{ files: number; bytes: number }> {
      return (await gw.graphql('{ viewer { uploads { files bytes } } }', {}, headers)).data.viewer.uploads
    },
    [Symbol.asyncDispose]: () => gw[Symbol.asyncDispose](),
  }
}

/** Sends bytes to the link of an upload. */
export async function put(
  { url, headers }: Pick<SeenUpload, 'url' | 'headers'>,
  body: Uint8Array,
): Promise<{ status: number; body: { data?: { sha256: string; asset_url: string }; error?: { code: string } } }> {
  const sent = Object.fromEntries(headers.map(({ name, value }) => [name, value]))
  const response = await fetch(url, { method: 'PUT', headers: sent, body: new Uint8Array(body) })
  return { status: response.status, body: (await response.json()) as object }
}
