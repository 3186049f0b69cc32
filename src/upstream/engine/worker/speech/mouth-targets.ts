import { createPowerSpectrum } from './power-spectrum.js'

/** What the mouth is to do in each output frame. */
export interface MouthTargets {
  /** How far the lips are apart, 0 (closed) to 1 (as wide as speech opens them). */
  readonly open: Float32Array
  /** -1 (rounded, as for "oo") to 1 (spread, as for "ee"); 0 where nothing is said. */
  readonly spread: Float32Array
}

const RATE = 16_000
const HOP = RATE / 100
const WINDOW = 512
/** Quieter than this is silence, whatever the rest of the audio is like: power against a full-scale sine's. */
const SILENCE = 10 ** (-60 / 10)
/** What is this much quieter than the loud parts is taken for background. */
const BACKGROUND = 10 ** (-32 / 10)
/** The loud parts: this share of what is neither silence nor background is quieter. */
const LOUD_PERCENTILE = 0.92
const ATTACK_SECONDS = 0.02
const RELEASE_SECONDS = 0.05
/** The envelope's mean delay, taken back, as sound and picture must meet. */
const DELAY_SECONDS = 0.015

/**
 * Turns speech in any language into movements of the mouth: how loud the voice is opens it, how its energy lies between
 * the ranges of the second formant spreads or rounds it, and hissing sounds, made with the teeth together, open it less
 * than they are loud.
 *
 * @param pcm mono, -1 to 1
 * @param sampleRate in Hz
 * @param fps output frames per second
 * @param frames how many output frames to make targets for; those past the audio's end are closed
 */
export const mouthTargets = (pcm: Float32Array, sampleRate: number, fps: number, frames: number): MouthTargets => {
  const signal = resample(pcm, sampleRate)
  const steps = Math.ceil(signal.length / HOP) + 1
  const voice = new Float32Array(steps)
  const slant = new Float32Array(steps)
  const spectrum = createPowerSpectrum(WINDOW)
  for (let step = 0; step < steps; step++) {
    const powers = spectrum(signal, step * HOP - WINDOW / 2)
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

/** Energy to 0…1: full at the loud parts, nothing at the background. */
const loudnessLevels = (voice: Float32Array): Float32Array => {
  const peak = voice.reduce((most, power) => Math.max(most, power), 0)
  const heard = voice.filter(power => power > Math.max(SILENCE, peak * BACKGROUND)).sort()
  const loud = heard[Math.floor(heard.length * LOUD_PERCENTILE)] ?? 1
  const floor = Math.max(SILENCE, loud * BACKGROUND)
  // A power of 0.3 lies between amplitude and decibels: soft vowels still show, noise does not.
  const compress = (power: number) => power ** 0.3
  const [bottom, top] = [compress(floor), compress(Math.max(loud, 2 * floor))]
  return voice.map(power => Math.min(1, Math.max(0, (compress(power) - bottom) / (top - bottom))))
}

/** Follows the levels up fast and down slower, as lips do. */
const envelope = (levels: Float32Array): Float32Array => {
  const rise = 1 - Math.exp(-0.01 / ATTACK_SECONDS)
  const fall = 1 - Math.exp(-0.01 / RELEASE_SECONDS)
  let value = 0
  return levels.map(level => {
    value += (level - value) * (level > value ? rise : fall)
    return value
  })
}

/** The spectrum's slant against its mean in this voice, as -1…1, and only as far as something is said. */
const centred = (slant: Float32Array, levels: Float32Array): Float32Array => {
  let [sum, total] = [0, 1e-9]
  for (let i = 0; i < slant.length; i++) {
    sum += slant[i]! * levels[i]!
    total += levels[i]!
  }
  const mean = sum / total
  return slant.map((value, i) => Math.tanh((value - mean) / 2.5) * Math.min(1, 3 * levels[i]!))
}

/** The mean of the values within `width` steps around a place, 0 where there are none. */
const meanAround = (values: Float32Array, at: number, width: number): number => {
  const from = Math.round(at - width / 2)
  const to = Math.max(from + 1, Math.round(at + width / 2))
  let sum = 0
  for (let i = from; i < to; i++) sum += values[i] ?? 0
  return sum / (to - from)
}

const band = (powers: Float32Array, fromHz: number, toHz: number): number => {
  let sum = 0
  for (let i = Math.ceil((fromHz * WINDOW) / RATE); i < (toHz * WINDOW) / RATE; i++) sum += powers[i]!
  return sum
}

/** To 16 kHz: means of neighbouring samples when there are more, straight lines between them when there are fewer. */
const resample = (pcm: Float32Array, sampleRate: number): Float32Array => {
  if (sampleRate === RATE) return pcm
  const ratio = sampleRate / RATE
  const taps = Math.max(1, Math.ceil(ratio))
  return Float32Array.from({ length: Math.floor(pcm.length / ratio) }, (_, i) => {
    let sum = 0
    for (let tap = 0; tap < taps; tap++) {
      const at = Math.max(0, (i + (tap + 0.5) / taps) * ratio - 0.5)
      const before = Math.floor(at)
      const a = pcm[before] ?? 0
      sum += a + ((pcm[before + 1] ?? a) - a) * (at - before)
    }
    return sum / taps
  })
}
