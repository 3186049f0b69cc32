import { perSecond, type Rate } from './y4m.js'

const MAX_FPS = 30

/**
 * Returns the frame rate for the output: the source's own between 15 and 30 frames per second, otherwise its smallest
 * whole multiple or fraction in that range. A mouth needs no more, and every source frame is shown equally long.
 */
export function workingRate({ num, den }: Rate): Rate {
  const fps = perSecond({ num, den })
  if (fps > MAX_FPS) return { num, den: den * Math.ceil(fps / MAX_FPS) }
  return { num: num * Math.ceil(MAX_FPS / 2 / fps), den }
}
