import { complexityFromQuery } from '@pothos/plugin-complexity'
import {
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import type { Clock } from '../clock.js'
import { GatewayError } from '../errors.js'
import { MAX_COMPLEXITY, withinLimit } from '../graphql/index.js'
import { createRateWindow } from '../rate-window.js'
import { createSlots } from '../slots.js'

/** Limits how much of the gateway's CPU one caller's operations may use, over all its keys, tokens and connections. */
export interface QueryBudget {
  /**
   * Charges an operation and returns a function to call when it has been executed. Throws `RATE_LIMITED` or
   * `LIMIT_EXCEEDED`.
   */
  enter(callerId: string, operation: Operation): () => void
}

export type Operation = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues' | 'contextValue'>

const WINDOW_MS = 60_000
/**
 * In the points of the schema's complexity limit: a hundred and thirty of the most expensive operations that it allows,
 * or a few hundred ordinary ones a second.
 */
const POINTS_PER_WINDOW = 2_000_000
/** The least that parsing, validating and responding costs. */
const MIN_POINTS = 50
const MAX_CONCURRENT = 1_000

export function createQueryBudget(clock: Clock): QueryBudget {
  const spent = createRateWindow(clock, WINDOW_MS)
  const running = createSlots()
  return {
    enter(callerId, operation) {
      if (spent.sum(callerId) >= POINTS_PER_WINDOW) throw overBudget(spent.secondsLeft(callerId))
      const release = running.acquire(callerId, MAX_CONCURRENT)
      if (!release) {
        const message = `More than ${MAX_CONCURRENT} operations at a time.`
        throw new GatewayError('LIMIT_EXCEEDED', message, { limit: 'operations' })
      }
      spent.add(callerId, pointsOf(operation))
      return release
    },
  }
}

function overBudget(retryAfter: number): GatewayError {
  const message = `The operations of the last minute cost more than ${POINTS_PER_WINDOW} points; retry in ${retryAfter} s.`
  return new GatewayError('RATE_LIMITED', message, { retryAfter })
}

/** An operation whose cost cannot be computed is not executed either: its variables are missing or invalid. */
function pointsOf(operation: Operation): number {
  try {
    const complexity = constantPoints.get(operation.document) ?? complexityOf(operation)
    if (complexity <= MAX_COMPLEXITY) withinLimit.add(operation.contextValue as object)
    return Math.max(MIN_POINTS, complexity)
  } catch {
    return MIN_POINTS
  }
}

function complexityOf({ schema, document, operationName, variableValues, contextValue }: Operation): number {
  const variables = variableValues ?? {}
  const ctx = contextValue as object
  const { complexity } = complexityFromQuery(onlyOperation(document, operationName), { schema, variables, ctx })
  if (isConstant(schema, document)) constantPoints.set(document, complexity)
  return complexity
}

/** The complexity of operations that cost the same with any variables. */
const constantPoints = new WeakMap<DocumentNode, number>()

/** Whether a document has one operation, whose variables are in no argument that its cost depends on. */
function isConstant(schema: GraphQLSchema, document: DocumentNode): boolean {
  if (document.definitions.filter(node => node.kind === Kind.OPERATION_DEFINITION).length !== 1) return false
  const types = new TypeInfo(schema)
  let isConstant = true
  const Variable = () => {
    if (typeof types.getFieldDef()?.extensions.complexity === 'function') isConstant = false
  }
  visit(document, visitWithTypeInfo(types, { Variable }))
  return isConstant
}

/** The document without the operations that are not executed: the cost is computed of its first one. */
function onlyOperation(document: DocumentNode, operationName: string | null | undefined): DocumentNode {
  const operation = getOperationAST(document, operationName)
  const definitions = document.definitions.filter(node => node.kind !== Kind.OPERATION_DEFINITION || node === operation)
  return { ...document, definitions }
}
