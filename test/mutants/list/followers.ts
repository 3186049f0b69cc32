import type { Mutant } from '../mutant.js'
import {
  FOLLOW,
  LIMITS,
  RESTORED_BACKUP,
  SHARED_EVENTS,
  SHARED_SUBSCRIBE,
  STORE,
  SUBSCRIPTION,
  WEBSOCKET,
} from './tests.js'

const FOLLOW_TS = 'src/tasks/service/follow.ts'
const SHARED_SUBSCRIBE_TS = 'src/http/shared-subscribe.ts'
const FOLLOWING = [SUBSCRIPTION, WEBSOCKET, LIMITS]

/** What followers receive. */
export const FOLLOWER_MUTANTS: readonly Mutant[] = [
  {
    name: 'cursor-beyond-the-end-is-taken',
    file: 'src/tasks/service/cursor.ts',
    find: 'if (of !== epoch || seq > end)',
    replace: 'if (of !== epoch)',
    tests: FOLLOWING,
  },
  {
    name: 'cursor-of-another-history-is-taken',
    file: 'src/tasks/service/cursor.ts',
    find: 'if (of !== epoch || seq > end)',
    replace: 'if (seq > end)',
    tests: [...FOLLOWING, RESTORED_BACKUP],
  },
  {
    name: 'follower-stops-after-a-full-page',
    file: FOLLOW_TS,
    find: 'hasMore = unread.length === PAGE',
    replace: 'hasMore = false',
    tests: FOLLOWING,
  },
  {
    name: 'follower-of-a-final-task-goes-on',
    file: FOLLOW_TS,
    find: 'isLast = taskId !== null && isFinal(task)',
    replace: 'isLast = false',
    tests: FOLLOWING,
  },
  {
    name: 'replay-starves-the-event-loop',
    file: FOLLOW_TS,
    find: '        if (turn) await turn\n',
    replace: '',
    tests: [FOLLOW, ...FOLLOWING],
  },
  {
    name: 'listener-of-a-follower-stays',
    file: FOLLOW_TS,
    find: '      unlisten()\n',
    replace: '',
    tests: [FOLLOW, ...FOLLOWING],
  },
  {
    name: 'steps-of-a-follower-overlap',
    file: FOLLOW_TS,
    find: 'last ? last.then(next, next) : next()',
    replace: 'next()',
    tests: [FOLLOW],
  },
  {
    name: 'slot-of-a-follower-is-kept',
    file: FOLLOW_TS,
    find: '    onEnd()\n',
    replace: '',
    tests: [FOLLOW, ...FOLLOWING],
  },
  {
    name: 'followers-of-a-reference-wake-for-all',
    file: 'src/tasks/change-notifier.ts',
    find: 'JSON.stringify(reference === undefined ? [caller] : [caller, reference])',
    replace: 'JSON.stringify([caller])',
    tests: [FOLLOW],
  },
  {
    name: 'refresh-repeats-old-live-values',
    file: 'src/tasks/service/shared-events.ts',
    find: '    else events.delete(taskId)\n',
    replace: '',
    tests: [SHARED_EVENTS],
  },
  {
    name: 'callers-share-results',
    file: SHARED_SUBSCRIBE_TS,
    find: 'variables, id, [...scopes]',
    replace: 'variables, [...scopes]',
    tests: [SHARED_SUBSCRIBE],
  },
  {
    name: 'absent-variable-counts-as-null',
    file: SHARED_SUBSCRIBE_TS,
    find: 'name in given ? [name, given[name]] : []',
    replace: '[name, given[name] ?? null]',
    tests: [SHARED_SUBSCRIBE],
  },
  {
    name: 'notified-before-it-is-written',
    file: 'src/tasks/transitions.ts',
    find: '      const moved = await store.move(task, advance(task, stage, fields), step)\n      if (moved) {',
    replace:
      '      const early = advance(task, stage, fields)\n      notifier.transitioned(early, task.stage)\n      const moved = await store.move(task, early, step)\n      if (moved && !notifier) {',
    tests: [FOLLOW, ...FOLLOWING],
  },
  {
    name: 'step-without-a-notification',
    file: 'src/tasks/transitions.ts',
    find: '        notifier.transitioned(moved, task.stage)\n',
    replace: '',
    tests: FOLLOWING,
  },
  {
    name: 'create-without-a-notification',
    file: 'src/tasks/transitions.ts',
    find: '        notifier.transitioned(created, null)\n',
    replace: '',
    tests: [...FOLLOWING, 'test/tasks/driver/submit-queue.test.ts'],
  },
  {
    name: 'shared-reads-are-never-renewed',
    file: 'src/tasks/service/coalesced-reads.ts',
    find: 'if (version !== notifier.version() || reads.size',
    replace: 'if (reads.size',
    tests: FOLLOWING,
  },
  {
    name: 'log-begins-one-step-late',
    file: 'src/store/log.ts',
    find: 'readDurableSnapshot)(() => select(seq, query))',
    replace: 'readDurableSnapshot)(() => select(seq + 1, query))',
    tests: [STORE, SUBSCRIPTION],
  },
  {
    name: 'log-leaks-the-tasks-of-another-caller',
    file: 'src/store/log.ts',
    find: 'if (caller !== undefined && reference !== undefined)\n      return (yield* ofCallerAndReference',
    replace: 'if (caller !== undefined && reference !== undefined)\n      return (yield* ofReference',
    tests: [STORE, SUBSCRIPTION],
  },
]
