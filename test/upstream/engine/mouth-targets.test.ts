import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mouthTargets } from '../../../src/upstream/engine/worker/speech/mouth-targets.js'
import { createPowerSpectrum } from '../../../src/upstream/engine/worker/speech/power-spectrum.js'
import { SPEECH_RATE } from '../../../src/upstream/engine/worker/speech/read-speech.js'

function tone(seconds: number, hertz: number, loudness: (second: number) => number) {
  return Float32Array.from({ length: Math.round(seconds * SPEECH_RATE) }, (_, i) => {
    const at = i / SPEECH_RATE
    return loudness(at) * Math.sin(2 * Math.PI * hertz * at)
  })
}

test('whatever is heard, the targets stay in their ranges', () => {
  const samples = fc.float32Array({ min: -1, max: 1, noNaN: true, maxLength: 6000 })
  fc.assert(
    fc.property(samples, fc.integer({ min: 0, max: 20 }), (speech, frames) => {
      const { open, spread } = mouthTargets(speech, 25, frames)
      expect(open).toHaveLength(frames)
      expect(open.every(value => value >= 0 && value <= 1)).toBe(true)
      expect(spread.every(value => value >= -1 && value <= 1)).toBe(true)
    }),
    { numRuns: 60 },
  )
})

test('silence and a faint hiss keep the mouth closed', () => {
  fc.assert(
    fc.property(fc.float({ min: 0, max: Math.fround(0.0004), noNaN: true }), level => {
      const noise = Float32Array.from({ length: 16_000 }, (_, i) => level * Math.sin(i * i))
      expect(Math.max(...mouthTargets(noise, 25, 25).open)).toBe(0)
    }),
    { numRuns: 30 },
  )
})

test('how loud the recording is does not matter', () => {
  const voice = tone(2, 220, at => 0.25 * (1 + Math.sin(2 * Math.PI * 3 * at)))
  const [loud, soft] = [voice, voice.map(sample => sample / 8)].map(pcm => mouthTargets(pcm, 25, 50).open)
  for (const [i, value] of loud!.entries()) expect(soft![i]).toBeCloseTo(value, 1)
})

test('the mouth opens while the voice sounds', () => {
  const voice = tone(2, 300, at => (at >= 0.6 && at < 1.4 ? 0.4 : 0))
  const { open } = mouthTargets(voice, 25, 50)
  expect(Math.min(...open.slice(17, 33))).toBeGreaterThan(0.8)
  expect(Math.max(...open.slice(0, 13), ...open.slice(42))).toBeLessThan(0.05)
})

test('the mouth is closed after the end of the audio', () => {
  const { open } = mouthTargets(
    tone(0.5, 300, () => 0.4),
    25,
    40,
  )
  expect(open[6]).toBeGreaterThan(0.8)
  expect(Math.max(...open.slice(18))).toBe(0)
})

test('the powers of a full-scale sine add up to 1, around its own frequency', () => {
  const powers = createPowerSpectrum(512)(
    tone(1, 1_000, () => 1),
    4_000,
  )
  expect(powers.reduce((sum, power) => sum + power, 0)).toBeCloseTo(1, 2)
  expect(powers.indexOf(Math.max(...powers))).toBe(32)
})
