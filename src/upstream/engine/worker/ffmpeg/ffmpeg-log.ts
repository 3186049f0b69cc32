const HEAD_LINES = 200
const TAIL_LINES = 200

/** Collects FFmpeg's log. A broken file can repeat a line a million times, so only the head and the tail are kept. */
export function createFfmpegLog() {
  const head: string[] = []
  let tail: string[] = []
  return {
    add(line: string): void {
      if (head.length < HEAD_LINES) head.push(line)
      else tail.push(line)
      if (tail.length > 2 * TAIL_LINES) tail = tail.slice(-TAIL_LINES)
    },
    lines: (): string[] => [...head, ...tail.slice(-TAIL_LINES)],
  }
}
