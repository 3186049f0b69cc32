import { getVariableValues } from '@graphql-tools/executor'
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLScalarType,
  GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type TypeNode,
} from 'graphql'
import { compileQuery, isCompiledQuery } from 'graphql-jit'
import { isCompilable } from './is-compilable.js'

/** What an operation is executed with. */
export interface Execution {
  readonly contextValue: object
  /** As the client sent them. */
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined
  /** The event, for an operation that is a subscription. */
  readonly rootValue?: unknown
}

/**
 * Executes an operation. Returns null instead of a result with errors, which are not those of the specification: the
 * operation has to be executed again without the compiler.
 */
export type CompiledOperation = (execution: Execution) => Promise<ExecutionResult | null>

/**
 * Returns a function that compiles valid operations of a schema, or returns null for those that cannot be compiled. A
 * field without a resolver has the value of the property as it is, even if that is a promise or a function.
 */
export function createCompiler(schema: GraphQLSchema) {
  const withCoerced = new GraphQLSchema({ ...schema.toConfig(), types: [...schema.toConfig().types, Coerced] })

  return (document: DocumentNode, operation: OperationDefinitionNode): CompiledOperation | null => {
    if (!isCompilable(document, operation)) return null
    const compiled = compileQuery(withCoerced, takeCoerced(document, operation), operation.name?.value, {
      disablingCapturingStackErrors: true,
    })
    if (!isCompiledQuery(compiled)) return null
    const definitions = operation.variableDefinitions ?? []

    return async ({ contextValue, variableValues, rootValue }) => {
      const variables = getVariableValues(schema, definitions, variableValues ?? {}, { maxErrors: 1 })
      if (variables.errors) return null
      try {
        const result = await compiled.query(rootValue, contextValue, variables.variableValues.coerced)
        return result.errors ? null : result
      } catch {
        return null
      }
    }
  }
}

/**
 * The type of all variables of a compiled operation: graphql-jit has rules of its own for their values, so it gets them
 * ready and leaves them as they are.
 */
const Coerced = new GraphQLScalarType({ name: 'CoercedVariable', parseValue: value => value })
const COERCED: TypeNode = { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: Coerced.name } }

function takeCoerced(document: DocumentNode, operation: OperationDefinitionNode): DocumentNode {
  const variableDefinitions = operation.variableDefinitions?.map(({ kind, variable }) => ({
    kind,
    variable,
    type: COERCED,
  }))
  const taking: OperationDefinitionNode = { ...operation, variableDefinitions }
  return { ...document, definitions: document.definitions.map(node => (node === operation ? taking : node)) }
}
