import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { compiledWorkers } from './support/compiled.js'

/** The tests that make videos. */
const MEDIA = 'test/upstream/engine/**/*.test.ts'
/** The tests of whole processes: the package as it is installed, the chaos run. */
const PROCESSES = 'test/{package,chaos}/**/*.test.ts'

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
  plugins: [compiledWorkers],
  oxc: { target: 'es2022' },
  // The machine may be busy; no test waits for time to pass.
  test: {
    testTimeout: 30_000,
    isolate: false,
    // Most of what takes long waits for processes and sockets.
    maxWorkers: availableParallelism(),
    globalSetup: ['test/support/compiled.ts', 'test/support/postgres/global-setup.ts'],
    projects: [
      { extends: true, test: { name: 'gateway', include: ['test/**/*.test.ts'], exclude: [MEDIA, PROCESSES] } },
      { extends: true, test: { name: 'media', include: [MEDIA] } },
      { extends: true, test: { name: 'processes', include: [PROCESSES] } },
      // The domain again, under a clock that moves at every reading: a still clock hides comparisons of two readings.
      {
        extends: true,
        test: {
          name: 'ticking',
          include: ['test/tasks/**/*.test.ts', 'test/task-life.test.ts'],
          env: { TEST_CLOCK: 'ticking' },
        },
      },
    ],
  },
})
