/** Returns the calendar month (UTC) that a time belongs to: `2026-01`. */
export function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7)
}
