import { z } from 'zod'
import { success } from './envelope.js'
import type { Operation } from './operation.js'

/** Clients expect a number: the quota of a caller without a budget. */
const UNLIMITED_QUOTA = 1_000_000_000

const whoami: Operation = {
  id: 'whoami',
  method: 'GET',
  path: '/user/whoami',
  v1Path: '/whoami',
  summary: 'Returns the caller that the key belongs to.',
  data: z.strictObject({
    email: z.string().meta({ description: 'Empty: callers of the gateway have no address.' }),
    username: z.string().meta({ description: 'The name of the caller.' }),
  }),
  outcomes: [],
  respond: ({ caller }) => success({ email: '', username: caller.id }),
}

const remainingQuota: Operation = {
  id: 'remainingQuota',
  method: 'GET',
  path: '/user/remaining_quota',
  summary: "Returns what is left of the caller's monthly budget.",
  data: z.strictObject({
    remaining_quota: z.number().meta({ description: `Credits. ${UNLIMITED_QUOTA} for a caller without a budget.` }),
  }),
  outcomes: [],
  async respond({ tasks }) {
    const { monthlyCredits } = await tasks.remaining()
    return success({ remaining_quota: monthlyCredits ?? UNLIMITED_QUOTA })
  },
}

export const accountOperations = [whoami, remainingQuota]
