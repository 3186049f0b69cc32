import type { PauseState } from '../task-store.js'
import { backoffMs, type Random, retryAfterMs } from './poll-schedule.js'
import type { UpstreamError, UpstreamErrorKind } from './upstream.js'

/** Why nothing is submitted, and until when: then it is tried again. */
export interface Pause {
  readonly kind: UpstreamErrorKind
  readonly reason: string
  /** Monotonic milliseconds. */
  readonly until: number
}

/**
 * Pauses the submit queue after a submit that failed for a reason that the next one would meet too.
 *
 * A single lost answer is bad luck. After several in a row the upstream is out of order, and each further submit would
 * turn one more task into one whose fate nobody knows. Then the queue stands still until the upstream answers a status
 * check or a look-up, or until a submit that is made as a rare probe is answered.
 */
export interface SubmitPause {
  /** The pause at this time; null when submits may leave. */
  at(now: number): Pause | null
  /** A submit was accepted, or refused for its own inputs. */
  submitAnswered(): void
  submitFailed(error: UpstreamError, now: number): void
  /** A status check or a look-up was answered. Returns whether this ended the pause. */
  checkAnswered(now: number): boolean
  /** The state as the store keeps it, which several gateways share. */
  state(): PauseState
  /** Goes on from a state of the store. */
  load(state: PauseState): void
}

const RATE_LIMIT_PAUSE_MS = 60_000
const ACCOUNT_PAUSE_MS = 60_000
/** Consecutive lost answers after which the upstream counts as out of order. */
const OUTAGE_AFTER = 2
const FIRST_PROBE_MS = 60_000
const LONGEST_PROBE_MS = 10 * 60_000
/** With look-ups a probe is needed only when nobody waits for one: the tasks of the lost answers are looked up each minute. */
const PROBE_BESIDE_LOOKUPS_MS = 30 * 60_000
/**
 * How long an answered check does not end the pause at first. It doubles with each lost answer, because an upstream may
 * answer checks and lose submits.
 */
const FIRST_TRUST_MS = 5_000

/** @param looksUp whether the upstream finds a lost job by its inputs, which costs nothing */
export function createSubmitPause(random: Random, looksUp: boolean): SubmitPause {
  let pause: PauseState['pause'] = null
  let failures = 0
  let lostAnswers = 0

  const begin = ({ kind, message }: UpstreamError, untilMono: number, endsByCheckMono = untilMono) => {
    pause = { kind, reason: message, untilMono, endsByCheckMono }
  }
  const submitAnswered = () => {
    pause = null
    failures = 0
    lostAnswers = 0
  }

  return {
    at: now => (pause && now < pause.untilMono ? { ...pause, until: pause.untilMono } : null),
    submitAnswered,
    submitFailed(error, now) {
      switch (error.kind) {
        case 'rejected':
          return submitAnswered()
        case 'rate-limited':
          return begin(error, now + Math.max(retryAfterMs(error, RATE_LIMIT_PAUSE_MS), backoffMs(0, random)))
        case 'account':
          return begin(error, now + ACCOUNT_PAUSE_MS)
        case 'not-accepted':
          return begin(error, now + backoffMs(failures++, random))
        case 'not-found':
        case 'unsupported':
        case 'unclear': {
          lostAnswers++
          if (lostAnswers < OUTAGE_AFTER) return begin(error, now + backoffMs(failures++, random))
          const doubled = 2 ** (lostAnswers - OUTAGE_AFTER)
          const probeMs = looksUp ? PROBE_BESIDE_LOOKUPS_MS : Math.min(FIRST_PROBE_MS * doubled, LONGEST_PROBE_MS)
          return begin(error, now + probeMs, now + Math.min(FIRST_TRUST_MS * doubled, LONGEST_PROBE_MS))
        }
      }
      return error.kind satisfies never
    },
    checkAnswered(now) {
      if (!pause || now >= pause.untilMono || now < pause.endsByCheckMono) return false
      pause = null
      return true
    },
    state: () => ({ pause, failures, lostAnswers }),
    load(state) {
      ;({ pause, failures, lostAnswers } = state)
    },
  }
}
