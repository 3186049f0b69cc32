import type { Clock } from '../../src/clock.js'
import type { Inputs } from '../../src/tasks/task.js'
import {
  breaksOff,
  type Call,
  code,
  garbage,
  htmlPage,
  type JoggJob,
  type JoggJobs,
  type JoggRequest,
  type Play,
  rateLimited,
  resets,
  type Scene,
  startJogg,
} from '../support/jogg.js'
import type { Dice, RollDice } from './dice.js'
import type { Moments } from './moments.js'
import { fateOf, isFair } from './plan.js'
import { watchForStandstill } from './standstill.js'

/** What happens to one request: how likely it is, and how it is played. */
type Acts = Readonly<Record<string, readonly [weight: number, play: Play['play']]>>
/** False: this process was kept from running, and it may have been longer than that. */
type Wait = (ms: number) => Promise<boolean>

/** Well below the gateway's time limit. */
const LONGEST_STANDSTILL_MS = 5_000

/**
 * JoggAI on a bad day. It takes jobs, makes them and bills them as it should; what goes wrong is what a caller sees of
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

const honest = (scene: Scene) => scene.send(scene.honest())
/** Within the caller's time limit, if only just. */
const slow = (wait: Wait, dice: Dice) => async (scene: Scene) => {
  if (await wait(dice.between(500, 9_500))) honest(scene)
  else scene.reset()
}

/** How likely an honest answer is in fair weather, where it is 56 in rough. */
const FAIR = 800

/** What came while nobody could see it come is sent away, at no cost. */
const STANDSTILL: Acts = { 'the machine stood still': [1, resets('submit').play] }

/** Ways to lose an answer: with `accepting` after the request had its effect, else before. */
const losses = (on: Call, accepting: boolean) => ({
  reset: resets(on, { accepting }).play,
  'system error': code(on, 50000, 'system error', { accepting }).play,
  'bad gateway': htmlPage(on, 502, { accepting }).play,
  garbage: garbage(on, { accepting }).play,
})

const submitActs = (wait: Wait, dice: Dice, onAccepted: () => void): Acts => {
  const before = losses('submit', false)
  const after = losses('submit', true)
  const accepting =
    (play: Play['play']): Play['play'] =>
    scene => {
      const tellTale = { ...scene, honest: (id?: string) => [scene.honest(id), onAccepted()][0] as never }
      return play(tellTale)
    }
  return {
    honest: [56, accepting(honest)],
    slow: [10, accepting(slow(wait, dice))],
    'too late': [
      4,
      accepting(async scene => {
        if (await wait(dice.between(11_000, 25_000))) honest(scene)
        else scene.reset()
      }),
    ],
    'silent, not accepted': [2, async () => void (await wait(15_000))],
    'silent, accepted': [
      3,
      accepting(async scene => {
        scene.honest()
        await wait(15_000)
      }),
    ],
    'half an answer': [2, accepting(breaksOff('submit').play)],
    ...Object.fromEntries(Object.entries(before).map(([name, play]) => [`${name}, not accepted`, [2, play] as const])),
    ...Object.fromEntries(
      Object.entries(after).map(([name, play]) => [`${name}, accepted`, [3, accepting(play)] as const]),
    ),
    'rate limit': [1, rateLimited('submit').play],
    'rate limit, for how long': [
      3,
      rateLimited('submit', Math.ceil(dice.between(2, 20)), dice.pick({ body: 1, data: 1, header: 1 })).play,
    ],
    'no credit': [1, code('submit', 18020, 'insufficient credit').play],
  }
}

const lookActs = (on: 'find' | 'status', wait: Wait, dice: Dice, weight: number): Acts => ({
  slow: [5, slow(wait, dice)],
  silent: [weight / 2, async () => void (await wait(12_000))],
  'half an answer': [weight, breaksOff(on).play],
  'rate limit': [weight, rateLimited(on, Math.ceil(dice.between(1, 8))).play],
  ...Object.fromEntries(Object.entries(losses(on, false)).map(([name, play]) => [name, [weight, play] as const])),
})

const findActs = (wait: Wait, dice: Dice): Acts => ({ honest: [60, honest], ...lookActs('find', wait, dice, 6) })
const statusActs = (wait: Wait, dice: Dice): Acts => ({ honest: [80, honest], ...lookActs('status', wait, dice, 2) })
