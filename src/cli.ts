#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addKeysCommand } from './cli/keys.js'
import { describeVariables } from './cli/variables.js'
import { ConfigError, configFromEnv } from './config.js'

const { version, description } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

const VARIABLES_HELP = () => `
Environment variables (one that is empty counts as unset, lists are separated by commas):
${describeVariables(Math.min(process.stdout.columns ?? 100, 120))}`

// Each command loads what it needs when it runs: the whole gateway takes a second, its help should not.
const program = new Command('lipsync-gateway').description(description).version(version)

program
  .command('serve')
  .description('Serve the gateway: GraphQL over HTTP, SSE and WebSocket at /graphql.')
  .addHelpText(
    'after',
    () => `
Logs are JSON lines on the standard output. SIGTERM and SIGINT shut down within 5 s, a second one at once.
Exit codes: 0 after a shutdown, 2 when the configuration is wrong, 1 for anything else.
${VARIABLES_HELP()}`,
  )
  .action(async () => (await import('./cli/serve.js')).serve())

program
  .command('demo')
  .description('Make one lip sync of the bundled sample, offline, and show each step.')
  .addHelpText(
    'after',
    `
Starts a gateway with the built-in engine on a free loopback port, asks it for a lip sync as any client would, and
follows the task. The video and its cover are left in a new folder below the system's folder for temporary files;
nothing else is. Of the environment only FFMPEG_PATH counts. Exit code 1 when the task fails.`,
  )
  .action(async () => (await import('./cli/demo.js')).demo())

program
  .command('migrate')
  .description("Bring the database's tables up to date. Safe to run again; serve does it by itself.")
  .addHelpText('after', '\nReads the same environment variables as serve: DATABASE_URL, or DATA_DIR.')
  .action(async () => {
    const config = configFromEnv(process.env)
    const { migrateDatabase } = await import('./store/open-store.js')
    migrateDatabase(config)
    console.log(`Up to date: ${config.databaseUrl}`)
  })

program
  .command('schema')
  .description('Print the GraphQL schema, as the file schema.graphql has it.')
  .action(async () => {
    const { printedSchema } = await import('./graphql/index.js')
    process.stdout.write(printedSchema())
  })

addKeysCommand(program)

try {
  await program.parseAsync()
} catch (thrown) {
  const isWrongConfig = thrown instanceof ConfigError
  console.error(thrown instanceof Error ? thrown.message : thrown)
  process.exitCode = isWrongConfig ? 2 : 1
}
