import { createHash, randomInt, timingSafeEqual } from 'node:crypto'

/**
 * An API key is `lsg_<id>_<secret>`: a prefix for secret scanners, a public id by which the key is found and
 * named, and the secret. Letters and digits only, so that it needs no quoting in a header or a shell and a double click
 * selects all of it.
 */
const PREFIX = 'lsg_'
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const ID_LENGTH = 12
/** 62^43 is just above 2^256. */
const SECRET_LENGTH = 43
const FORMAT = new RegExp(`^${PREFIX}(?<id>[0-9A-Za-z]{${ID_LENGTH}})_(?<secret>[0-9A-Za-z]{${SECRET_LENGTH}})$`)

export interface ApiKeyParts {
  readonly id: string
  readonly secret: string
}

/** Creates a key. `text` is what its owner sends; of `secret`, only the hash is stored. */
export function createApiKey(): ApiKeyParts & { readonly text: string } {
  const id = randomText(ID_LENGTH)
  const secret = randomText(SECRET_LENGTH)
  return { id, secret, text: `${PREFIX}${id}_${secret}` }
}

/** Returns null when the text is not a well-formed key. */
export function parseApiKey(text: string): ApiKeyParts | null {
  const { id, secret } = FORMAT.exec(text)?.groups ?? {}
  return id && secret ? { id, secret } : null
}

/** Whether the text claims to be a key, complete or not. */
export function looksLikeApiKey(text: string): boolean {
  return text.startsWith(PREFIX)
}

/**
 * The SHA-256 of a secret, in hex: what is stored of it. A slow hash, as for passwords, would protect secrets that people
 * choose; 256 random bits cannot be guessed.
 */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** Whether `hash` is the hash of the secret, compared in constant time. */
export function isSecretOf(secret: string, hash: string): boolean {
  const [sent, kept] = [Buffer.from(hashSecret(secret)), Buffer.from(hash)]
  return sent.length === kept.length && timingSafeEqual(sent, kept)
}

function randomText(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}
