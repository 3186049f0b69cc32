import { readFile } from 'node:fs/promises'
import { type GraphQLNamedType, isEnumType, isInputObjectType, isIntrospectionType, isObjectType } from 'graphql'
import { expect, test } from 'vitest'
import { printedSchema, schema } from '../../src/graphql/index.js'

interface Described {
  readonly name: string
  readonly description?: string | null | undefined
}

function fieldsOf(type: GraphQLNamedType): readonly (Described & { args?: readonly Described[] })[] {
  if (isObjectType(type) || isInputObjectType(type)) return Object.values(type.getFields())
  return isEnumType(type) ? type.getValues() : []
}

/** A type, its fields or values, and their arguments, each by its path. */
function partsOf(type: GraphQLNamedType): [string, Described][] {
  return [
    [type.name, type],
    ...fieldsOf(type).flatMap((field): [string, Described][] => [
      [`${type.name}.${field.name}`, field],
      ...(field.args ?? []).map((arg): [string, Described] => [`${type.name}.${field.name}(${arg.name})`, arg]),
    ]),
  ]
}

test('schema.graphql is what the code serves (`npm run schema` writes it)', async () => {
  expect(await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8')).toBe(printedSchema())
})

test('every type, field, argument and enum value has a description', () => {
  const parts = Object.values(schema.getTypeMap())
    .filter(type => !isIntrospectionType(type))
    .flatMap(partsOf)
  expect(parts.length).toBeGreaterThan(100)
  expect(parts.filter(([, part]) => !part.description?.trim()).map(([path]) => path)).toEqual([])
})
