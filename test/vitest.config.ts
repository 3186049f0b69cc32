import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  // One copy of graphql: without the alias vitest loads its ESM and its CommonJS build side by side.
  resolve: {
    alias: [
      { find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) },
      // The examples import the package by its name.
      { find: /^lipsync-gateway$/, replacement: fileURLToPath(new URL('../src/index.ts', import.meta.url)) },
    ],
  },
  oxc: { target: 'es2022' },
  // The machine may be busy; no test waits for time to pass.
  test: {
    testTimeout: 30_000,
    isolate: false,
    globalSetup: fileURLToPath(new URL('support/postgres/global-setup.ts', import.meta.url)),
    projects: [
      { extends: true, test: { name: 'all', include: ['test/**/*.test.ts'] } },
      // The domain again, under a clock that moves at every reading: a still clock hides comparisons of two readings.
      {
        extends: true,
        test: {
          name: 'ticking',
          include: ['test/tasks/driver/*.test.ts', 'test/restored-backup.test.ts'],
          // These name exact milliseconds, which such a clock passes by.
          exclude: ['test/tasks/driver/{stall,submit-queue}.test.ts'],
          env: { TEST_CLOCK: 'ticking' },
        },
      },
    ],
  },
})
