import type { Upstream } from '../../src/index.js'

/** An upstream that succeeds at the first status check. */
export const instantUpstream: Upstream = {
  name: 'instant',
  submitsPerMinute: null,
  priceOf: () => 0,
  submit: async ({ taskId }) => `job-${taskId}`,
  getJob: async upstreamId => ({
    upstreamId,
    createdAt: null,
    completedAt: null,
    status: 'success',
    result: {
      resultUrl: 'https://media.example/result.mp4',
      coverUrl: null,
      durationMs: 1_000,
      animation: null,
      animatedShare: null,
    },
  }),
  [Symbol.asyncDispose]: async () => {},
}
