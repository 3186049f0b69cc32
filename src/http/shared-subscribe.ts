import { createHash } from 'node:crypto'
import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLError,
  getOperationAST,
  visit,
} from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import type { GraphQLContext } from '../graphql/index.js'

export type ResultStream = AsyncIterableIterator<ExecutionResult>

/** Executes a subscription for one event. */
export type ExecuteEvent = (event: object) => ExecutionResult | Promise<ExecutionResult>

/**
 * Subscribes like `subscribe` of graphql-js, but executes an event object only once for all subscriptions with the same
 * operation, variables and caller. They get the same result object. Errors are as clients see them.
 */
export function createSharedSubscribe(publicError: (thrown: unknown) => GraphQLError) {
  const resultsOf = new WeakMap<object, Map<string, Promise<ExecutionResult>>>()

  function masked(result: ExecutionResult): ExecutionResult {
    return result.errors ? { ...result, errors: result.errors.map(publicError) } : result
  }

  return async (args: ExecutionArgs, executeEvent: ExecuteEvent = event => execute({ ...args, rootValue: event })) => {
    const source = await createSourceEventStream(args)
    if (!isAsyncIterable(source)) return masked(source)
    const key = keyOf(args)
    return mapEvents(source[Symbol.asyncIterator]() as AsyncIterableIterator<object>, event => {
      const results = resultsOf.get(event) ?? new Map<string, Promise<ExecutionResult>>()
      resultsOf.set(event, results)
      const result = results.get(key) ?? Promise.resolve(executeEvent(event)).then(masked)
      results.set(key, result)
      return result
    })
  }
}

function mapEvents(
  events: AsyncIterableIterator<object>,
  toResult: (event: object) => Promise<ExecutionResult>,
): ResultStream {
  return {
    async next() {
      const step = await events.next()
      return step.done ? step : { value: await toResult(step.value), done: false }
    },
    return: async () => events.return?.() ?? { value: undefined, done: true },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

const documentNumbers = new WeakMap<DocumentNode, number>()
let documents = 0

/** Equal for subscriptions whose results for an event are equal: the same document, variables and caller. */
function keyOf({ document, operationName, variableValues, contextValue }: ExecutionArgs): string {
  const number = documentNumbers.get(document) ?? documents++
  documentNumbers.set(document, number)
  const given = variableValues ?? {}
  // An absent variable has its default value, unlike one that is null.
  const variables = variablesOfEvents(document, operationName).flatMap(name =>
    name in given ? [name, given[name]] : [],
  )
  const { id, scopes, limits, restriction } = (contextValue as GraphQLContext).caller
  const text = JSON.stringify([number, operationName, variables, id, [...scopes].sort(), limits, restriction])
  // A hash, because every subscription holds its key.
  return createHash('sha256').update(text).digest('base64')
}

/**
 * The variables that the result for an event may depend on. Those that are only arguments of the subscription itself,
 * such as its cursor, decide which events it gets, and nothing else.
 */
function variablesOfEvents(document: DocumentNode, operationName: string | null | undefined): readonly string[] {
  const operation = getOperationAST(document, operationName)
  const names = new Set<string>()
  visit(document, {
    VariableDefinition: () => false,
    Field(node) {
      const isRoot = operation?.selectionSet.selections.includes(node)
      if (isRoot) return { ...node, arguments: [] }
    },
    Variable({ name }) {
      names.add(name.value)
    },
  })
  return [...names].sort()
}
