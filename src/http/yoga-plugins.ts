import type { ServerResponse } from 'node:http'
import { type ExecutionArgs, type ExecutionResult, GraphQLError, NoSchemaIntrospectionCustomRule } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Session } from '../auth/session.js'
import { GatewayError } from '../errors.js'
import type { GraphQLContext } from '../graphql/index.js'
import { withoutHttp, withoutSuggestion } from './graphql-error.js'
import type { QueryBudget } from './query-budget.js'
import type { ResultStream } from './shared-subscribe.js'

/** What Yoga's plugins know of a request. */
export interface ServerContext {
  readonly session: Session
  readonly res: ServerResponse
  /** The result of an operation that was charged and executed before. */
  readonly executed?: ExecutionResult | undefined
}

/** The variables of a GET request are JSON inside the query string. */
export const jsonVariables: Plugin = {
  onRequestParse({ requestParser, setRequestParser }) {
    if (!requestParser) return
    setRequestParser(async request => {
      try {
        return await requestParser(request)
      } catch (thrown) {
        if (thrown instanceof SyntaxError) throw new GatewayError('BAD_REQUEST', 'The variables are not valid JSON.')
        throw thrown
      }
    })
  },
}

/** Charges each operation to its caller, whichever transport brought it, and takes the result of one that has been. */
export function chargeOperations(
  budget: QueryBudget,
  publicError: (thrown: unknown) => GraphQLError,
): Plugin<ServerContext, ServerContext> {
  function enter(args: ExecutionArgs): (() => void) | GraphQLError {
    const { caller } = args.contextValue as GraphQLContext
    try {
      return budget.enter(caller.id, args)
    } catch (thrown) {
      return publicError(thrown)
    }
  }
  return {
    onExecute({ args, context: { executed }, setExecuteFn, setResultAndStopExecution }) {
      if (executed) return setExecuteFn(() => executed)
      const leave = enter(args)
      if (leave instanceof GraphQLError) return setResultAndStopExecution({ errors: [leave] })
      return { onExecuteDone: leave }
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const leave = enter(args)
      if (leave instanceof GraphQLError) return setResultAndStopExecution({ errors: [leave] })
      return { onSubscribeResult: leave, onSubscribeError: leave }
    },
  }
}

/** Replaces the engine's `subscribe`. */
export function subscribeBy(subscribe: (args: ExecutionArgs) => Promise<ResultStream | ExecutionResult>): Plugin {
  return {
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn(subscribe)
    },
  }
}

/** A response with data is a success, whatever one of its fields failed with. */
export const dataDecidesStatus: Plugin = {
  onExecutionResult({ result, setResult }) {
    if (!result || Array.isArray(result) || !('data' in result) || !result.errors) return
    const hasData = Object.values(result.data ?? {}).some(value => value !== null)
    if (hasData) setResult({ ...result, errors: result.errors.map(withoutHttp) })
  },
}

/** Hides the schema from callers that do not know it, in introspection and in error messages. */
export const hideSchema: Plugin = {
  onValidate({ addValidationRule }) {
    addValidationRule(NoSchemaIntrospectionCustomRule)
    return ({ result, setResult }) => setResult([...result].map(withoutSuggestion))
  },
}
