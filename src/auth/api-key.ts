import { createHash, randomInt, timingSafeEqual } from 'node:crypto'

/**
 * An API key is `lsg_<id>_<secret>`: a prefix by which secret scanners know it, a public id by which it is found and
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

/** A new key: `text` is what its owner sends; of `secret`, only the hash is to be kept. */
export const createApiKey = (): ApiKeyParts & { readonly text: string } => {
  const id = randomText(ID_LENGTH)
  const secret = randomText(SECRET_LENGTH)
  return { id, secret, text: `${PREFIX}${id}_${secret}` }
}

/** Null when the text is no key. */
export const parseApiKey = (text: string): ApiKeyParts | null => {
  const { id, secret } = FORMAT.exec(text)?.groups ?? {}
  return id && secret ? { id, secret } : null
}

/** Whether the text means to be a key, whole or not. */
export const looksLikeApiKey = (text: string): boolean => text.startsWith(PREFIX)

/**
 * What is kept of a secret: its SHA-256, in hex. A slow hash, as for passwords, would guard against guessing what people
 * choose; nobody guesses 256 random bits.
 */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Whether `hash` is the secret's, compared in constant time. */
export const isSecretOf = (secret: string, hash: string): boolean => {
  const [sent, kept] = [Buffer.from(hashSecret(secret)), Buffer.from(hash)]
  return sent.length === kept.length && timingSafeEqual(sent, kept)
}

const randomText = (length: number): string =>
  Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
