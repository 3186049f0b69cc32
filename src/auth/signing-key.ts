import type { KeyStore } from './ports.js'

/**
 * Returns a function that reads the secret with this name from the store, once. A failed read is repeated at the next
 * call.
 */
export function createSigningKey(keys: Pick<KeyStore, 'secret'>, name: string): () => Promise<Uint8Array> {
  let secret: Promise<Uint8Array> | null = null
  return () => {
    secret ??= keys.secret(name).then(
      text => Buffer.from(text, 'base64url'),
      thrown => {
        secret = null
        throw thrown
      },
    )
    return secret
  }
}
