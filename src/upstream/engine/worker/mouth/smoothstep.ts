/** Rises smoothly from 0 at x = 0 to 1 at x = 1, and is constant outside. */
export function smoothstep(x: number): number {
  return x <= 0 ? 0 : x >= 1 ? 1 : x * x * (3 - 2 * x)
}
