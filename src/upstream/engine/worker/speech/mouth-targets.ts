import { createPowerSpectrum } from './power-spectrum.js'
import { SPEECH_RATE } from './read-speech.js'

/** The target position of the mouth in each output frame. */
export interface MouthTargets {
  /** The opening of the lips, 0 (closed) to 1 (as wide as speech opens them). */
  readonly open: Float32Array
  /** -1 (rounded, as for "oo") to 1 (spread, as for "ee"); 0 in silence. */
  readonly spread: Float32Array
}

const HOP = SPEECH_RATE / 100
const WINDOW = 512
/** Anything quieter is silence, whatever the rest of the audio: the power relative to a full-scale sine. */
const SILENCE = 10 ** (-60 / 10)
/** Anything this much quieter than the loud parts is background noise. */
const BACKGROUND = 10 ** (-32 / 10)
/** The level of the loud parts: a percentile of what is neither silence nor background noise. */
const LOUD_PERCENTILE = 0.92
const ATTACK_SECONDS = 0.02
const RELEASE_SECONDS = 0.05
/** The mean delay of the envelope, which is compensated to keep sound and picture in sync. */
const DELAY_SECONDS = 0.015

/**
 * Turns speech in any language into movements of the mouth. Loudness opens the mouth. The distribution of the energy
 * over the range of the second formant spreads or rounds it. Hissing sounds, which are made with the teeth together, open
 * it less than their loudness suggests.
 *
 * @param speech mono, -1 to 1, at `SPEECH_RATE`
 * @param fps output frames per second
 * @param frames the number of output frames; after the end of the audio the mouth is closed
 */
export function mouthTargets(speech: Float32Array, fps: number, frames: number): MouthTargets {
  const steps = Math.ceil(speech.length / HOP) + 1
  const voice = new Float32Array(steps)
  const slant = new Float32Array(steps)
  const spectrum = createPowerSpectrum(WINDOW)
  for (let step = 0; step < steps; step++) {
    const powers = spectrum(speech, step * HOP - WINDOW / 2)
    const low = band(powers, 90, 900)
    const round = band(powers, 900, 1400)
    const wide = band(powers, 1700, 3000)
    const hiss = band(powers, 3800, 7900)
    voice[step] = low + round + 0.8 * wide + 0.15 * hiss
    slant[step] = Math.log((wide + SILENCE) / (round + SILENCE))
  }
  const levels = envelope(loudnessLevels(voice))
  const colours = centred(slant, levels)
  const open = new Float32Array(frames)
  const spread = new Float32Array(frames)
  for (let frame = 0; frame < frames; frame++) {
    const at = 100 * ((frame + 0.5) / fps + DELAY_SECONDS)
    open[frame] = meanAround(levels, at, 100 / fps) ** 1.3
    spread[frame] = meanAround(colours, at, Math.max(8, 100 / fps))
  }
  return { open, spread }
}

/** Maps energy to 0…1: 1 for the loud parts, 0 for background noise. */
function loudnessLevels(voice: Float32Array): Float32Array {
  const peak = voice.reduce((most, power) => Math.max(most, power), 0)
  const heard = voice.filter(power => power > Math.max(SILENCE, peak * BACKGROUND)).sort()
  const loud = heard[Math.floor(heard.length * LOUD_PERCENTILE)] ?? 1
  const floor = Math.max(SILENCE, loud * BACKGROUND)
  // An exponent of 0.3 is between amplitude and decibels: it shows soft vowels, but not noise.
  const compress = (power: number) => power ** 0.3
  const [bottom, top] = [compress(floor), compress(Math.max(loud, 2 * floor))]
  return voice.map(power => Math.min(1, Math.max(0, (compress(power) - bottom) / (top - bottom))))
}

/** Follows rising levels fast and falling ones more slowly, like lips do. */
function envelope(levels: Float32Array): Float32Array {
  const rise = 1 - Math.exp(-0.01 / ATTACK_SECONDS)
  const fall = 1 - Math.exp(-0.01 / RELEASE_SECONDS)
  let value = 0
  return levels.map(level => {
    value += (level - value) * (level > value ? rise : fall)
    return value
  })
}

/** Returns the slant of the spectrum relative to the mean of this voice, as -1…1, weighted by loudness. */
function centred(slant: Float32Array, levels: Float32Array): Float32Array {
  let [sum, total] = [0, 1e-9]
  for (let i = 0; i < slant.length; i++) {
    sum += slant[i]! * levels[i]!
    total += levels[i]!
  }
  const mean = sum / total
  return slant.map((value, i) => Math.tanh((value - mean) / 2.5) * Math.min(1, 3 * levels[i]!))
}

/** Returns the mean of the values within `width` steps around a position. Values outside the array count as 0. */
function meanAround(values: Float32Array, at: number, width: number): number {
  const from = Math.round(at - width / 2)
  const to = Math.max(from + 1, Math.round(at + width / 2))
  let sum = 0
  for (let i = from; i < to; i++) sum += values[i] ?? 0
  return sum / (to - from)
}

function band(powers: Float32Array, fromHz: number, toHz: number): number {
  let sum = 0
  for (let i = Math.ceil((fromHz * WINDOW) / SPEECH_RATE); i < (toHz * WINDOW) / SPEECH_RATE; i++) sum += powers[i]!
  return sum
}
