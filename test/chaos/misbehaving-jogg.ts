import type { Clock } from '../../src/clock.js'
import type { Inputs } from '../../src/tasks/task.js'
import {
  type Call,
  code,
  type JoggJob,
  type JoggJobs,
  type JoggRequest,
  type Play,
  startJogg,
} from '../support/jogg.js'
import type { CrashPoints } from './crash-points.js'
import type { Dice, RollDice } from './dice.js'
import { type Acts, FAIR, findActs, outageActs, STANDSTILL, statusActs, submitActs, type Wait } from './jogg-acts.js'
import { makeOdd, oddityOf } from './odd-answers.js'
import { fateOf, isFair } from './plan.js'
import { watchForStandstill } from './standstill.js'

/** Well below the gateway's time limit. */
const LONGEST_STANDSTILL_MS = 5_000

export type MisbehavingJogg = Awaited<ReturnType<typeof startMisbehavingJogg>>

/**
 * JoggAI on a bad day. It accepts, makes and bills jobs as it should. What goes wrong is what a caller sees of it: answers
 * lost before or after it accepted the job, answers that come too late, refusals, garbage. The look-up fails at times
 * and never lies.
 */
export async function startMisbehavingJogg(parts: {
  clock: Clock
  roll: RollDice
  crashPoints: CrashPoints
  speed: number
  /** The share of inputs whose jobs are reported in odd ways. */
  oddShare: number
}) {
  const { clock, roll, crashPoints, speed, oddShare } = parts
  const closing = new AbortController()
  const standstill = watchForStandstill(LONGEST_STANDSTILL_MS / speed)
  const arrivals: number[] = []
  const counts = new Map<string, number>()
  const played = new Map<string, number>()
  let underWay = 0
  let outage = false
  const wait: Wait = async ms => {
    await clock.sleep(ms, closing.signal)
    return !standstill.justNow()
  }

  /** Returns how often it was called with this subject before. */
  const ordinal = (...subject: string[]): number => countUp(counts, subject.join(' '))

  const act = (call: Call, acts: Acts, dice: Dice): Play['play'] => {
    const weights = Object.fromEntries(Object.entries(acts).map(([name, [weight]]) => [name, weight]))
    const name = dice.pick(weights)
    const [, play] = acts[name]!
    return async scene => {
      countUp(played, `${call}: ${name}`)
      underWay++
      try {
        await play(scene)
      } finally {
        underWay--
      }
    }
  }

  const improvise = ({ call, at, inputs, taskId }: JoggRequest): Play['play'] | undefined => {
    // The chaos creates no uploads.
    if (call === 'asset' || call === 'put') return undefined
    crashPoints.reached(call)
    if (call === 'submit' && standstill.justNow()) return act('submit', STANDSTILL, roll('standstill'))
    if (call === 'submit') arrivals.push(at)
    const about = taskId ?? (inputs as Inputs).videoUrl
    const dice = roll(call, about, ordinal(call, about))
    if (outage) return act(call, outageActs(call), dice)
    if (call === 'find') return act(call, findActs(wait, dice), dice)
    if (call === 'status') return act(call, statusActs(wait, dice), dice)
    if (fateOf(roll, inputs as Inputs) === 'rejected') return code('submit', 40000, 'audio_url is broken').play
    const acts = submitActs(wait, dice, () => crashPoints.reached('accepted'))
    return act(call, isFair(inputs as Inputs) ? { ...acts, honest: [FAIR, acts.honest![1]] } : acts, dice)
  }

  /** Brings the job to where it is in its life by now. A vanished one is gone for good, one that is away for some calls. */
  const live = (jobs: JoggJobs, job: JoggJob): JoggJob | undefined => {
    const { inputs, taskId } = job
    const siblings = jobs.accepted(inputs).indexOf(job)
    const fate = fateOf(roll, inputs)
    const dice = roll('course', inputs.videoUrl, siblings)
    const begins = dice.between(2_000, 15_000)
    const ends = begins + (fate === 'late' ? dice.between(120_000, 180_000) : dice.between(3_000, 40_000))
    const age = clock.now() - job.createdAt
    if (job.completedAt !== null || age < begins) return job
    if (fate === 'vanished') return void jobs.vanish(taskId)
    if (fate === 'away' && ordinal('away', taskId) < 3) return undefined
    if (age < ends) jobs.process(taskId)
    else if (fate === 'failed') jobs.fail(taskId, 'consume retry limit reached: audio duration fetch failed')
    else jobs.finish(taskId)
    return job
  }

  /** Plays a status call with answers that are as odd as the job's inputs say. */
  const reportOddly = (job: JoggJob | undefined, play: Play['play']): Play['play'] => {
    const oddity = job && oddityOf(roll, job.inputs, oddShare)
    if (!oddity) return play
    return scene =>
      play({
        ...scene,
        honest() {
          countUp(played, `odd status: ${oddity}`)
          return makeOdd(scene.honest(), oddity)
        },
      })
  }

  const jogg = await startJogg({
    now: clock.now,
    improvise: request => {
      const play = improvise(request)
      if (request.call !== 'status' || !play) return play
      return scene => {
        const job = scene.jobs.look(request.taskId ?? '')
        if (outage || !job || live(scene.jobs, job)) return reportOddly(job, play)(scene)
        scene.send({ body: { code: 10104, msg: 'Record not found', data: null } })
      }
    },
  })

  return {
    ...jogg,
    /** When the submits arrived. */
    arrivals,
    /** How often each act was played. */
    played: (): ReadonlyMap<string, number> => played,
    /** Whether a request is still being dealt with, even if its caller is gone. */
    busy: () => underWay > 0,
    /** While it is out of order, it answers every call with an error page. */
    setOutage(isOut: boolean) {
      outage = isOut
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      standstill[Symbol.dispose]()
      await jogg[Symbol.asyncDispose]()
    },
  }
}

/** Returns the count before. */
function countUp(counts: Map<string, number>, key: string): number {
  const before = counts.get(key) ?? 0
  counts.set(key, before + 1)
  return before
}
