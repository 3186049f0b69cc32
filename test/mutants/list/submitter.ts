import type { Mutant } from '../mutant.js'

const PAID_ONCE = 'test/tasks/driver/paid-once.test.ts'
const LOST_ANSWER = 'test/tasks/driver/lost-answer.test.ts'

export const SUBMITTER_MUTANTS: readonly Mutant[] = [
  {
    name: 'late-is-absent',
    file: 'src/tasks/driver/status-poller.ts',
    find: 'const LATE_MS = 20_000',
    replace: 'const LATE_MS = 0',
    tests: [LOST_ANSWER, PAID_ONCE],
  },
  {
    name: 'late-answer-dropped',
    file: 'src/tasks/driver/submitter.ts',
    find: "if (current?.stage === 'unknown') await",
    replace: "if (current?.stage === 'failed') await",
    tests: [LOST_ANSWER, PAID_ONCE],
  },
]
