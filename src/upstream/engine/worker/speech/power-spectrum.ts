/**
 * Computes the power spectrum of a real signal through a Hann window, by an iterative radix-2 FFT.
 *
 * @param size the number of samples, a power of two
 * @returns a function that reads `size` samples from `at` on, with silence outside the signal, and returns size / 2
 *   powers. The powers of a sine of amplitude 1 add up to 1. The returned array is reused by the next call.
 */
export function createPowerSpectrum(size: number): (signal: Float32Array, at: number) => Float32Array {
  const re = new Float64Array(size)
  const im = new Float64Array(size)
  const powers = new Float32Array(size / 2)
  const window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / size))
  const cos = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size))
  const sin = Float64Array.from({ length: size / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / size))
  const full = window.reduce((sum, value) => sum + value * value, 0) * (size / 4)
  const bits = Math.log2(size)
  const reversed = Uint32Array.from({ length: size }, (_, i) => {
    let value = 0
    for (let bit = 0; bit < bits; bit++) value |= ((i >> bit) & 1) << (bits - 1 - bit)
    return value
  })

  return (signal, at) => {
    for (let i = 0; i < size; i++) {
      re[reversed[i]!] = (signal[at + i] ?? 0) * window[i]!
      im[i] = 0
    }
    for (let half = 1; half < size; half *= 2)
      for (let start = 0; start < size; start += 2 * half)
        for (let k = 0; k < half; k++) {
          const turn = (k * size) / (2 * half)
          const [a, b] = [start + k, start + k + half]
          const r = re[b]! * cos[turn]! - im[b]! * sin[turn]!
          const i = re[b]! * sin[turn]! + im[b]! * cos[turn]!
          re[b] = re[a]! - r
          im[b] = im[a]! - i
          re[a] = re[a]! + r
          im[a] = im[a]! + i
        }
    for (let i = 0; i < powers.length; i++) powers[i] = (re[i]! ** 2 + im[i]! ** 2) / full
    return powers
  }
}
