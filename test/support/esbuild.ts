import { createRequire } from 'node:module'

/** The compiler that tsx brings along. */
export const { buildSync, transformSync } = createRequire(createRequire(import.meta.url).resolve('tsx'))('esbuild') as {
  buildSync(options: Record<string, unknown>): unknown
  transformSync(code: string, options: Record<string, unknown>): { code: string }
}
