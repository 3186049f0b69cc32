import { readFile } from 'node:fs/promises'
import { CriticalityLevel, diff } from '@graphql-inspector/core'
import { buildSchema } from 'graphql'

/**
 * Compares `schema.graphql` with `released.graphql`, the schema of the last release, which a release replaces. Prints
 * every change and fails on a breaking one.
 */
async function read(path: string) {
  return buildSchema(await readFile(new URL(path, import.meta.url), 'utf8'))
}

const changes = await diff(await read('released.graphql'), await read('../../schema.graphql'))
for (const { criticality, message } of changes) console.log(`${criticality.level}: ${message}`)
const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
console.log(`${changes.length} changes since the last release, ${breaking.length} of them breaking`)
if (breaking.length > 0) process.exitCode = 1
