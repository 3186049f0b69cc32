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
import type { Dice, RollDice } from './dice.js'
import { type Acts, FAIR, findActs, STANDSTILL, statusActs, submitActs, type Wait } from './jogg-acts.js'
import type { Moments } from './moments.js'
import { fateOf, isFair } from './plan.js'
import { watchForStandstill } from './standstill.js'

/** Well below the gateway's time limit. */
const LONGEST_STANDSTILL_MS = 5_000

/**
 * JoggAI on a bad day. It takes jobs, makes them and bills them as it should; what goes wrong is what a caller canSee of
 * it: answers lost before or after it took the job, answers too late, refusals, nonsense. The look-up fails at times
 * and never lies.
 */
export const startMisbehavingJogg = async (parts: {
  clock: Clock
  roll: RollDice
  moments: Moments
  speed: number
}) => {
  const { clock, roll, moments, speed } = parts
  const closing = new AbortController()
  const standstill = watchForStandstill(LONGEST_STANDSTILL_MS / speed)
  const arrivals: number[] = []
  const wait: Wait = async ms => {
    await clock.sleep(ms, closing.signal)
    return !standstill.justNow()
  }
  const counts = new Map<string, number>()
  const played = new Map<string, number>()
  let underWay = 0

  /** How often this was asked before. */
  const ordinal = (...about: string[]): number => {
    const key = about.join(' ')
    const before = counts.get(key) ?? 0
    counts.set(key, before + 1)
    return before
  }

  const act = (call: Call, acts: Acts, dice: Dice): Play['play'] => {
    const weights = Object.fromEntries(Object.entries(acts).map(([name, [weight]]) => [name, weight]))
    const name = dice.pick(weights)
    const [, play] = acts[name]!
    return async scene => {
      played.set(`${call}: ${name}`, (played.get(`${call}: ${name}`) ?? 0) + 1)
      underWay++
      try {
        await play(scene)
      } finally {
        underWay--
      }
    }
  }

  const improvise = ({ call, at, inputs, taskId }: JoggRequest): Play['play'] => {
    moments.tell(call)
    if (call === 'submit' && standstill.justNow()) return act('submit', STANDSTILL, roll('standstill'))
    if (call === 'submit') arrivals.push(at)
    const about = taskId ?? (inputs as Inputs).videoUrl
    const dice = roll(call, about, ordinal(call, about))
    if (call === 'find') return act(call, findActs(wait, dice), dice)
    if (call === 'status') return act(call, statusActs(wait, dice), dice)
    if (fateOf(roll, inputs as Inputs) === 'rejected') return code('submit', 40000, 'audio_url is broken').play
    const acts = submitActs(wait, dice, () => moments.tell('accepted'))
    return act(call, isFair(inputs as Inputs) ? { ...acts, honest: [FAIR, acts.honest![1]] } : acts, dice)
  }

  /** Where the job is in its life by now. A vanished one is gone for good, one that is away for some looks. */
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

  const jogg = await startJogg({
    now: clock.now,
    improvise: request => {
      const play = improvise(request)
      if (request.call !== 'status') return play
      return scene => {
        const job = scene.jobs.look(request.taskId ?? '')
        if (!job || live(scene.jobs, job)) return play(scene)
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
    /** Whether a request is still being dealt with, be it for a caller who has gone. */
    busy: () => underWay > 0,
    async [Symbol.asyncDispose]() {
      closing.abort()
      standstill[Symbol.dispose]()
      await jogg[Symbol.asyncDispose]()
    },
  }
}

export type MisbehavingJogg = Awaited<ReturnType<typeof startMisbehavingJogg>>
