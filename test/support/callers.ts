import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiKey, hashSecret } from '../../src/auth/api-key.js'
import type { NewApiKey } from '../../src/auth/ports.js'
import type { GatewayOptions } from '../../src/config.js'
import { createKeyStore } from '../../src/store/keys.js'
import { openDatabase } from '../../src/store/sqlite/database.js'
import { startTestGateway } from './gateway.js'

/** A test gateway on a database in a file, whose keys are created and revoked from outside, as by the command line. */
export async function startGatewayWithKeys(options: GatewayOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'callers-'))
  const databaseUrl = `file:${join(folder, 'gateway.db')}`
  const beside = openDatabase(databaseUrl)
  const keys = createKeyStore(beside)
  const gw = await startTestGateway({ databaseUrl, ...options })

  return {
    ...gw,
    keys,
    /** Creates a key and returns its id, its text and the headers to send it in. */
    async createKey(caller: string, fields: Partial<NewApiKey> = {}) {
      const { id, secret, text } = createApiKey()
      const scopes = ['read', 'create'] as const
      const createdAt = gw.clock.now()
      await keys.create({
        id,
        caller,
        hash: hashSecret(secret),
        scopes,
        limits: {},
        createdAt,
        expiresAt: null,
        ...fields,
      })
      return { id, text, headers: { authorization: `Bearer ${text}` } }
    },
    async [Symbol.asyncDispose]() {
      await gw[Symbol.asyncDispose]()
      beside.close()
      rmSync(folder, { recursive: true })
    },
  }
}
