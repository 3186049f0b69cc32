import { transformSync } from '../support/esbuild.js'

/** One small fault in the core that the tests must notice. */
export interface Mutant {
  /** Unique, in kebab case. */
  readonly name: string
  /** Path of the mutated file, relative to the root of the project. */
  readonly file: string
  /** Text that occurs exactly once in the file. */
  readonly find: string
  /** Text that takes its place. */
  readonly replace: string
  /** Test files of which at least one must fail, the quickest first. */
  readonly tests: readonly string[]
}

/** Returns the mutated source. Throws when the mutant no longer fits the source or does not compile. */
export function mutate({ name, file, find, replace }: Mutant, source: string): string {
  const occurrences = source.split(find).length - 1
  if (occurrences !== 1)
    throw new Error(`mutant ${name}: its text occurs ${occurrences} times in ${file}, not once:\n${find}`)
  const mutated = source.replace(find, () => replace)
  if (compile(mutated) === compile(source)) throw new Error(`mutant ${name} does not change the code of ${file}`)
  return mutated
}

function compile(source: string): string {
  return transformSync(source, { loader: 'ts', target: 'node20' }).code
}
