import type { Mutant } from '../mutant.js'
import { SUBMITTER_MUTANTS } from './submitter.js'

/** The faults that the tests must notice. */
export const MUTANTS: readonly Mutant[] = [...SUBMITTER_MUTANTS]
