/**
 * JoggAI's price of an output in hundredths of a credit: 0.008 credits per second, rounded up to 2 decimals.
 * Calculated in integers, because in floating point 137.5 s would cost 1.11 credits instead of 1.10.
 * Source: JoggAI's public price list (1 credit per 125 s).
 */
export function joggPriceOf(durationMs: number): number {
  return Math.ceil((durationMs * 8) / 10_000)
}
