import pMap from 'p-map'
import { type Mutant, mutate } from './mutant.js'
import { createWorkspace, type Workspace } from './workspace.js'

export interface MutantResult {
  readonly mutant: Mutant
  readonly survived: boolean
  /** The test that noticed it. */
  readonly killedBy: string
  readonly seconds: number
}

/** As many mutants are tested at once. */
const PARALLEL = 2

/**
 * Tests the mutants, each alone in a copy of the project.
 *
 * The tests first run without a mutant: tests that fail anyway would count every mutant as noticed.
 */
export async function runMutants(
  mutants: readonly Mutant[],
  signal: AbortSignal,
  onResult: (result: MutantResult) => void,
): Promise<MutantResult[]> {
  const idle = await Promise.all(Array.from({ length: PARALLEL }, createWorkspace))
  const all = [...idle]
  try {
    await checkThatTestsPass(idle[0]!, mutants, signal)
    return await pMap(
      mutants,
      async mutant => {
        const workspace = idle.pop()!
        try {
          const result = await testMutant(workspace, mutant, signal)
          signal.throwIfAborted()
          onResult(result)
          return result
        } finally {
          idle.push(workspace)
        }
      },
      { concurrency: PARALLEL },
    )
  } finally {
    await Promise.all(all.map(workspace => workspace[Symbol.asyncDispose]()))
  }
}

async function checkThatTestsPass(workspace: Workspace, mutants: readonly Mutant[], signal: AbortSignal) {
  // All texts are checked before the first minutes are spent.
  for (const mutant of mutants) mutate(mutant, await workspace.read(mutant.file))
  const files = new Set(mutants.flatMap(({ tests }) => tests))
  const { passed, failure } = await workspace.test([...files], signal)
  signal.throwIfAborted()
  if (!passed) throw new Error(`the tests fail without any mutant: ${failure}`)
}

async function testMutant(workspace: Workspace, mutant: Mutant, signal: AbortSignal): Promise<MutantResult> {
  const source = await workspace.read(mutant.file)
  const startedAt = performance.now()
  await workspace.write(mutant.file, mutate(mutant, source))
  try {
    const { passed, failure } = await workspace.test(mutant.tests, signal)
    const seconds = (performance.now() - startedAt) / 1_000
    return { mutant, survived: passed, killedBy: failure, seconds }
  } finally {
    await workspace.write(mutant.file, source)
  }
}
