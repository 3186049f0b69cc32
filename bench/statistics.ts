/** Milliseconds since the Unix epoch with fractions, comparable between the processes of one machine. */
export function wallClock(): number {
  return performance.timeOrigin + performance.now()
}

export function quantile(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5)
}
