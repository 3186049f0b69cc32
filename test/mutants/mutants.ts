import { parseArgs } from 'node:util'
import { MUTANTS } from './list/index.js'
import type { Mutant } from './mutant.js'
import { runMutants } from './run-mutants.js'

const HELP = `npm run mutants -- [options]

Puts one small fault at a time into a copy of the core and runs the tests that should notice it.
Exits with 1 when one of the faults survives.

  --only NAME   tests this mutant only
  --shard I/N   tests the I-th of N parts of the list
`

process.exitCode = await main().catch((thrown: Error) => {
  console.error(thrown.message)
  return 2
})

async function main(): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { only: text, shard: text, help: { type: 'boolean' } } })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
  const mutants = shardOf(namedMutants(values.only), values.shard)
  const results = await runMutants(mutants, interrupted.signal, ({ mutant, survived, killedBy, seconds }) =>
    console.log(
      `${survived ? 'SURVIVED' : 'killed  '} ${mutant.name} (${seconds.toFixed(0)} s)${survived ? '' : `: ${killedBy}`}`,
    ),
  )
  const survivors = results.filter(({ survived }) => survived)
  console.log(`\n${results.length} mutants, ${survivors.length} survived`)
  for (const { mutant } of survivors)
    console.log(`  ${mutant.name} in ${mutant.file}:\n    ${mutant.find}\n    ${mutant.replace}`)
  return survivors.length > 0 ? 1 : 0
}

function namedMutants(name: string | undefined): readonly Mutant[] {
  if (name === undefined) return MUTANTS
  const found = MUTANTS.filter(mutant => mutant.name === name)
  if (found.length === 0) throw new Error(`--only: there is no mutant ${name}`)
  return found
}

function shardOf(mutants: readonly Mutant[], shard: string | undefined): readonly Mutant[] {
  if (shard === undefined) return mutants
  const [, part, parts] = (/^(\d+)\/(\d+)$/.exec(shard) ?? []).map(Number)
  if (!part || !parts || part > parts) throw new Error('--shard must be two whole numbers such as 1/4')
  return mutants.filter((_, index) => index % parts === part - 1)
}
