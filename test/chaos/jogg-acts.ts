import {
  breaksOff,
  type Call,
  code,
  garbage,
  htmlPage,
  type Play,
  rateLimited,
  resets,
  type Scene,
} from '../support/jogg.js'
import type { Dice } from './dice.js'

/** What may happen to one request: how likely it is, and how it is played. */
export type Acts = Readonly<Record<string, readonly [weight: number, play: Play['play']]>>
/** Resolves to false when this process was kept from running, so that the wait may have been longer. */
export type Wait = (ms: number) => Promise<boolean>

/** The weight of an honest answer for orders that meet an upstream in good order; otherwise it is 56. */
export const FAIR = 800

/** What arrived while this process stood still is sent away without an effect. */
export const STANDSTILL: Acts = { 'the machine stood still': [1, resets('submit').play] }

/** The error page of a machine in front of an upstream that is out of order. */
export function outageActs(on: Call): Acts {
  return { outage: [1, htmlPage(on, 502).play] }
}

export function submitActs(wait: Wait, dice: Dice, onAccepted: () => void): Acts {
  const before = losses('submit', false)
  const after = losses('submit', true)
  const accepting =
    (play: Play['play']): Play['play'] =>
    scene =>
      play({ ...scene, honest: id => reportAccepted(scene.honest(id), onAccepted) })
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

export function findActs(wait: Wait, dice: Dice): Acts {
  return { honest: [60, honest], ...readActs('find', wait, dice, 6) }
}

export function statusActs(wait: Wait, dice: Dice): Acts {
  return { honest: [80, honest], ...readActs('status', wait, dice, 2) }
}

function readActs(on: 'find' | 'status', wait: Wait, dice: Dice, weight: number): Acts {
  return {
    slow: [5, slow(wait, dice)],
    silent: [weight / 2, async () => void (await wait(12_000))],
    'half an answer': [weight, breaksOff(on).play],
    'rate limit': [weight, rateLimited(on, Math.ceil(dice.between(1, 8))).play],
    ...Object.fromEntries(Object.entries(losses(on, false)).map(([name, play]) => [name, [weight, play] as const])),
  }
}

/** Ways to lose an answer: with `accepting` after the request had its effect, otherwise before. */
function losses(on: Call, accepting: boolean) {
  return {
    reset: resets(on, { accepting }).play,
    'system error': code(on, 50000, 'system error', { accepting }).play,
    'bad gateway': htmlPage(on, 502, { accepting }).play,
    garbage: garbage(on, { accepting }).play,
  }
}

function honest(scene: Scene) {
  scene.send(scene.honest())
}

/** Within the caller's time limit, if only just. */
function slow(wait: Wait, dice: Dice) {
  return async (scene: Scene) => {
    if (await wait(dice.between(500, 9_500))) honest(scene)
    else scene.reset()
  }
}

function reportAccepted<T>(answer: T, onAccepted: () => void): T {
  onAccepted()
  return answer
}
