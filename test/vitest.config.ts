import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  // One copy of graphql: without the alias vitest loads its ESM and its CommonJS build side by side.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  oxc: { target: 'es2022' },
  // The machine may be busy; no test waits for time to pass.
  test: { include: ['test/**/*.test.ts'], testTimeout: 30_000, isolate: false },
})
