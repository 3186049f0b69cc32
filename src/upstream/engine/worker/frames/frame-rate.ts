import { perSecond, type Rate } from './y4m.js'

const MAX_FPS = 30

/**
 * The frame rate that is worked at: the source's own between 15 and 30 frames per second, else its smallest whole
 * multiple or fraction in there. A mouth needs no more, and so no source frame is shown unevenly.
 */
export const workingRate = ({ num, den }: Rate): Rate => {
  const fps = perSecond({ num, den })
  if (fps > MAX_FPS) return { num, den: den * Math.ceil(fps / MAX_FPS) }
  return { num: num * Math.ceil(MAX_FPS / 2 / fps), den }
}
