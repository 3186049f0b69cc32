import type { Mutant } from '../mutant.js'
import { CLOCK, DECIDE, LATE_SUBMIT, LOST_SUBMIT, RESTORED_BACKUP, STALL, STATUS_POLLER, SUBMITTER } from './tests.js'

const DECIDE_TS = 'src/tasks/driver/decide.ts'
const SCHEDULE_TS = 'src/tasks/driver/poll-schedule.ts'
const SUBMIT_TS = 'src/tasks/driver/submit-task.ts'
const RESOLVING = [DECIDE, LOST_SUBMIT, LATE_SUBMIT, STATUS_POLLER, CLOCK]

/** What becomes of a submit without an answer: each of these can pay twice, or deliver a stranger's video. */
export const LOST_ANSWER_MUTANTS: readonly Mutant[] = [
  {
    name: 'one-absence-is-enough',
    file: DECIDE_TS,
    find: 'const ABSENT_AFTER = 2',
    replace: 'const ABSENT_AFTER = 1',
    tests: RESOLVING,
  },
  {
    name: 'nothing-arrives-late',
    file: DECIDE_TS,
    find: 'const LATE_MS = 20_000',
    replace: 'const LATE_MS = 0',
    tests: RESOLVING,
  },
  {
    name: 'no-clock-tolerance',
    file: DECIDE_TS,
    find: 'const CLOCK_TOLERANCE_MS = 60_000',
    replace: 'const CLOCK_TOLERANCE_MS = 0',
    tests: RESOLVING,
  },
  {
    name: 'error-counts-as-absence',
    file: SCHEDULE_TS,
    find: '    failures,\n    problem: failures',
    replace: '    failures,\n    absences: poll.absences + 1,\n    problem: failures',
    tests: RESOLVING,
  },
  {
    name: 'check-keeps-absences',
    file: SCHEDULE_TS,
    find: '    failures: 0,\n    absences: 0,',
    replace: '    failures: 0,\n    absences: poll.absences,',
    tests: RESOLVING,
  },
  {
    name: 'job-of-another-task-is-adopted',
    file: DECIDE_TS,
    find: 'if (answer && !(answer instanceof UpstreamError) && !isOwned)',
    replace: 'if (answer && !(answer instanceof UpstreamError))',
    tests: RESOLVING,
  },
  {
    name: 'job-of-any-age-is-adopted',
    file: DECIDE_TS,
    find: "return attempted === null ? 'unsure' : 'older'",
    replace: "return 'ours'",
    tests: RESOLVING,
  },
  {
    name: 'job-that-seems-older-is-absent',
    file: DECIDE_TS,
    find: "return attempted === null ? 'unsure' : 'older'",
    replace: "return 'older'",
    tests: RESOLVING,
  },
  {
    name: 'age-by-the-wall-clock',
    file: DECIDE_TS,
    find: '(attempted ?? task.attemptedAt)',
    replace: 'task.attemptedAt',
    tests: RESOLVING,
  },
  {
    name: 'earlier-process-measures-the-attempt',
    file: DECIDE_TS,
    find: 'if (upstreamNow === null || task.attemptedMono < startedAt) return null',
    replace: 'if (upstreamNow === null) return null',
    tests: RESOLVING,
  },
  {
    name: 'absent-before-this-process-could-know',
    file: DECIDE_TS,
    find: 'Math.max(task.attemptedMono, context.startedAt)',
    replace: 'task.attemptedMono',
    tests: RESOLVING,
  },
  {
    name: 'look-up-before-a-submit-takes-no-time',
    file: DECIDE_TS,
    find: '(task.lookupFirst ? 2 : 1) * context.timeoutMs',
    replace: 'context.timeoutMs',
    tests: RESOLVING,
  },
  {
    name: 'unknown-cost-is-free',
    file: DECIDE_TS,
    find: 'result.durationMs === null ? task.reservedCents :',
    replace: 'result.durationMs === null ? 0 :',
    tests: [DECIDE, STATUS_POLLER],
  },
  {
    name: 'forgotten-job-is-lost-at-once',
    file: DECIDE_TS,
    find: 'const LOST_AFTER = 10',
    replace: 'const LOST_AFTER = 1',
    tests: [DECIDE, STATUS_POLLER],
  },
  {
    name: 'due-time-ignores-the-stall',
    file: 'src/tasks/driver/stall.ts',
    find: 'dueMono: Math.min(poll.dueMono ?? at, at)',
    replace: 'dueMono: poll.dueMono',
    tests: [STALL, DECIDE, STATUS_POLLER],
  },
  {
    name: 'running-submit-is-judged',
    file: 'src/tasks/driver/status-poller.ts',
    find: "if (task.stage === 'submitting' && submitter.isUnderWay(task.id))",
    replace: "if (task.stage === 'submitting' && submitter.isUnderWay(''))",
    tests: [SUBMITTER, LATE_SUBMIT, CLOCK, STATUS_POLLER],
  },
  {
    name: 'owner-is-not-asked-for',
    file: 'src/tasks/driver/status-poller.ts',
    find: "isOwned: task.stage === 'unknown' && (await isOwned(answer)),",
    replace: 'isOwned: false && (await isOwned(answer)),',
    tests: [LATE_SUBMIT, LOST_SUBMIT, STATUS_POLLER],
  },
  {
    name: 'late-answer-to-unknown-is-dropped',
    file: SUBMIT_TS,
    find: "      case 'submitting':\n      case 'unknown':\n        if (await transitions.move(current, 'submitted', fields, why)) return\n        continue",
    replace: "      case 'submitting':\n      case 'unknown':\n        return",
    tests: [SUBMITTER, LATE_SUBMIT, CLOCK],
  },
  {
    name: 'late-answer-to-queued-is-dropped',
    file: SUBMIT_TS,
    find: "        await transitions.move(current, 'submitting', attempt,",
    replace: "        if (attempt) return\n        await transitions.move(current, 'submitting', attempt,",
    tests: [SUBMITTER, LATE_SUBMIT, CLOCK],
  },
  {
    name: 'unclear-answer-is-a-refusal',
    file: SUBMIT_TS,
    find: "await transitions.move(task, 'unknown', {}, { reason, poll: pollAt(clock.monotonic() + firstCheckMs) })",
    replace: "await transitions.move(task, 'queued', {}, { reason })",
    tests: [LOST_SUBMIT, SUBMITTER],
  },
  {
    name: 'restored-task-is-not-looked-up',
    file: SUBMIT_TS,
    find: 'task.lookupFirst ? await lookUp(task, parts) : null',
    replace: 'task.lookupFirst ? null : null',
    tests: [SUBMITTER, LATE_SUBMIT, RESTORED_BACKUP],
  },
  {
    name: 'restored-task-adopts-the-job-of-another',
    file: SUBMIT_TS,
    find: "if (await store.owns(job.upstreamId)) return { kind: 'undecidable', problem: OWNED }",
    replace: "if (await store.owns('')) return { kind: 'undecidable', problem: OWNED }",
    tests: [SUBMITTER, LATE_SUBMIT, RESTORED_BACKUP],
  },
  {
    name: 'failed-look-up-is-an-absence',
    file: SUBMIT_TS,
    find: "return { kind: 'failed', error: new UpstreamError('not-accepted', error.message, { cause: error }) }",
    replace: 'return null',
    tests: [SUBMITTER, LATE_SUBMIT, RESTORED_BACKUP],
  },
]
