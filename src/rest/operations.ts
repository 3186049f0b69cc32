import { accountOperations } from './account.js'
import { batchOperations } from './batch.js'
import { lipSyncOperations } from './lip-sync.js'
import type { Operation } from './operation.js'
import { uploadOperations } from './upload.js'
import { webhookOperations } from './webhooks.js'

/** Every operation of JoggAI's API that the gateway serves. */
export const OPERATIONS: readonly Operation[] = [
  ...lipSyncOperations,
  ...batchOperations,
  ...uploadOperations,
  ...accountOperations,
  ...webhookOperations,
]

/** Where JoggAI's v2 is served. Its documentation showed the second prefix for a while. */
export const V2_PREFIXES = ['/v2', '/open/v2'] as const
export const V1_PREFIX = '/v1'

/** The paths of an operation. */
export function pathsOf({ path, v1Path }: Operation): string[] {
  return [...V2_PREFIXES.map(prefix => prefix + path), ...(v1Path ? [V1_PREFIX + v1Path] : [])]
}
