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

/** What happens to one request: how likely it is, and how it is played. */
export type Acts = Readonly<Record<string, readonly [weight: number, play: Play['play']]>>
/** False: this process was kept from running, and it may have been longer than that. */
export type Wait = (ms: number) => Promise<boolean>

const honest = (scene: Scene) => scene.send(scene.honest())
/** Within the caller's time limit, if only just. */
const slow = (wait: Wait, dice: Dice) => async (scene: Scene) => {
  if (await wait(dice.between(500, 9_500))) honest(scene)
  else scene.reset()
}

/** How likely an honest answer is in fair weather, where it is 56 in rough. */
export const FAIR = 800

/** What came while nobody could see it come is sent away, at no cost. */
export const STANDSTILL: Acts = { 'the machine stood still': [1, resets('submit').play] }

/** Ways to lose an answer: with `accepting` after the request had its effect, else before. */
const losses = (on: Call, accepting: boolean) => ({
  reset: resets(on, { accepting }).play,
  'system error': code(on, 50000, 'system error', { accepting }).play,
  'bad gateway': htmlPage(on, 502, { accepting }).play,
  garbage: garbage(on, { accepting }).play,
})

export const submitActs = (wait: Wait, dice: Dice, onAccepted: () => void): Acts => {
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

export const findActs = (wait: Wait, dice: Dice): Acts => ({ honest: [60, honest], ...lookActs('find', wait, dice, 6) })
export const statusActs = (wait: Wait, dice: Dice): Acts => ({
  honest: [80, honest],
  ...lookActs('status', wait, dice, 2),
})
