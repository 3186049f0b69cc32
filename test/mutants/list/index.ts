import type { Mutant } from '../mutant.js'
import { FOLLOWER_MUTANTS } from './followers.js'
import { LOST_ANSWER_MUTANTS } from './lost-answers.js'
import { STORE_MUTANTS } from './store.js'
import { SUBMIT_MUTANTS } from './submits.js'

/** The faults that the tests must notice. */
export const MUTANTS: readonly Mutant[] = [
  ...LOST_ANSWER_MUTANTS,
  ...SUBMIT_MUTANTS,
  ...STORE_MUTANTS,
  ...FOLLOWER_MUTANTS,
]
