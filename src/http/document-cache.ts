import type { DocumentNode } from 'graphql'
import { LRUCache } from 'lru-cache'

/** Caches of parsed operations and of parse errors, in the form of Yoga's `parserAndValidationCache`. */
export interface DocumentCaches {
  readonly documentCache: LRUCache<string, DocumentNode>
  readonly errorCache: LRUCache<string, Error>
}

/** What the caches may hold together, in bytes. */
const MAX_BYTES = 32_000_000
/** A syntax tree takes this many times the memory of its text: an object for each token, one for each node. */
const TREE_FACTOR = 100

/** Bounded by bytes, because a caller chooses how long its operations are and how many different ones it sends. */
export function createDocumentCaches(): DocumentCaches {
  const sizes = { maxSize: MAX_BYTES / 2, maxEntrySize: MAX_BYTES / 20 }
  return {
    documentCache: new LRUCache({ ...sizes, sizeCalculation: (_, text) => (text.length + 1) * TREE_FACTOR }),
    errorCache: new LRUCache({ ...sizes, sizeCalculation: (_, text) => (text.length + 1) * 2 }),
  }
}
