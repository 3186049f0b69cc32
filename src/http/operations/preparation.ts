import { execute } from '@graphql-tools/executor'
import {
  type DocumentNode,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { type CompiledOperation, createCompiler, type Execution } from './compile-operation.js'

/** An operation that was parsed and validated, and meets the limits. It is executed any number of times. */
export interface PreparedOperation {
  readonly document: DocumentNode
  readonly node: OperationDefinitionNode
  /** Executes a query or mutation, or one event of a subscription. Errors are as thrown, not as clients may see them. */
  execute(execution: Execution): Promise<ExecutionResult>
}

export interface Preparation {
  /**
   * Parses and validates an operation, or finds it among those of before. Returns the mistakes in a document that does
   * not validate, and null when the document has no operation of this name. Throws when the document does not parse.
   */
  prepare(text: string, operationName: string | null | undefined): PreparedOperation | readonly GraphQLError[] | null
}

export interface PreparationParts {
  readonly schema: GraphQLSchema
  readonly parse: (text: string) => DocumentNode
  readonly validate: (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[]
}

/** What the cache may hold, in bytes. */
const MAX_BYTES = 16_000_000
/** A syntax tree takes this many times the memory of its text: an object for each token, one for each node. */
const TREE_FACTOR = 100
/** The same for the functions made of it. */
const COMPILED_FACTOR = 200

type Data = Record<string, unknown>

interface Document {
  readonly tree: DocumentNode
  /** By name; null is the operation of a request that names none. */
  readonly operations: Map<string | null, PreparedOperation>
}

/**
 * The one way from the text of an operation to its execution, for requests and WebSockets. Bounded by bytes, because a
 * caller chooses how long its operations are and how many different ones it sends. What is wrong is not kept.
 */
export function createPreparation({ schema, parse, validate }: PreparationParts): Preparation {
  const compile = createCompiler(schema)
  const documents = new LRUCache<string, Document>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_BYTES / 10,
    sizeCalculation: ({ operations }, text) => (text.length + 1) * (TREE_FACTOR + operations.size * COMPILED_FACTOR),
  })

  /** Compiles the operation at its second use: most of those that are used once are never used again. */
  function prepared(tree: DocumentNode, node: OperationDefinitionNode): PreparedOperation {
    const document = { ...tree, definitions: tree.definitions.filter(it => it === node || it.kind !== node.kind) }
    let uses = 0
    let compiled: CompiledOperation | null = null
    return {
      document,
      node,
      async execute(execution) {
        if (++uses === 2) compiled = compile(document, node)
        return (await compiled?.(execution)) ?? assertSingle(await execute<Data>({ schema, document, ...execution }))
      },
    }
  }

  return {
    prepare(text, operationName) {
      const cached = documents.get(text)
      const name = operationName ?? null
      const known = cached?.operations.get(name)
      if (known) return known
      const tree = cached?.tree ?? parse(text)
      const errors = cached ? [] : validate(schema, tree)
      if (errors.length > 0) return errors
      const node = getOperationAST(tree, name)
      if (!node) return null
      const operation = prepared(tree, node)
      const operations = new Map(cached?.operations).set(name, operation)
      documents.set(text, { tree, operations })
      return operation
    },
  }
}

/** The schema has no directives for incremental delivery. */
function assertSingle(result: Awaited<ReturnType<typeof execute<Data>>>): ExecutionResult {
  if ('initialResult' in result) throw new Error('an operation with an incremental result')
  return result
}
