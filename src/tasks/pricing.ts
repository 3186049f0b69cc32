/**
 * JoggAI's price of an output in credits: 0.008 per second, rounded up to 2 decimals.
 * Counted in integers, because in floating point 137.5 s would cost 1.11 instead of 1.10.
 * Source: JoggAI's public price list (1 credit per 125 s).
 */
export const creditsFor = (durationMs: number): number => centsFor(durationMs) / 100

/** The same in hundredths of a credit, in which budgets are counted. */
export const centsFor = (durationMs: number): number => Math.ceil((durationMs * 8) / 10_000)

/** What is set aside for an output of about this length: never nothing, or a budget that is used up would let it through. */
export const reserveFor = (durationMs: number): number => Math.max(1, centsFor(durationMs))

/** The calendar month (UTC) that a time belongs to: `2026-01`. */
export const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7)
