#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, Help } from 'commander'
import type { CopyFlags } from './cli/copy.js'
import { addKeysCommand } from './cli/keys.js'
import { toWhole } from './cli/parse-argument.js'
import type { ServeFlags } from './cli/serve.js'
import type { SyncFlags } from './cli/sync.js'
import { addTargetOptions, addTasksCommand } from './cli/tasks.js'
import { listVariables } from './cli/variables.js'
import { ConfigError, configFromEnv } from './config.js'

const { version, description } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

// Each command loads what it needs when it runs: the whole gateway takes a second to load, and the help should not.
const program = new Command('lipsync-gateway').description(description).version(version)

program
  .command('serve')
  .description('Serve the gateway: GraphQL over HTTP, server-sent events and WebSocket at /graphql.')
  .option('--host <address>', 'address to listen on; overrides HOST')
  .option('--port <number>', 'port to listen on; overrides PORT', toWhole(0, 65_535))
  .option('--restored', 'the database was restored from a backup: look up queued tasks before they are submitted')
  .addHelpText(
    'after',
    () => `
Logs are JSON lines on the standard output. SIGTERM and SIGINT shut down within 5 s, a second one at once.
Exit codes: 0 after a shutdown, 2 for a wrong configuration, 1 for any other error.

Environment variables (an empty one counts as unset, lists are separated by commas):
${variablesHelp()}`,
  )
  .action(async (flags: ServeFlags) => (await import('./cli/serve.js')).serve(flags))

program
  .command('demo')
  .description('Make one lip sync of the bundled sample, offline, and show each step.')
  .addHelpText(
    'after',
    `
Starts a gateway with the built-in engine on a free loopback port, creates a task as any client would, and follows it.
The video and its cover are left in a new folder below the system's folder for temporary files; nothing else is kept.
The only environment variable it reads is FFMPEG_PATH. The exit code is 1 when the task fails.`,
  )
  .action(async () => (await import('./cli/demo.js')).demo())

const syncCommand = program
  .command('sync')
  .description('Make one lip sync from links or local files, and download the result.')
  .argument('<video>', 'the talking-head video: a link or a file')
  .argument('<audio>', 'the audio that the mouth follows: a link or a file')
  .option('-o, --output <file>', 'where the result goes', 'lipsync.mp4')
  .option('--playback-type <type>', 'normal, normal_reverse or normal_reverse_by_audio')
  .addHelpText(
    'after',
    `
Without --url it starts a gateway of its own with the built-in engine, which ends with the command; FFMPEG_PATH is read.
The progress goes to the standard error; the standard output has the name of the file, or with --json the task.
Exit codes: 0 with a result, 3 when the task failed or was canceled, 130 when interrupted, 1 for any other error.`,
  )
  .action(async (video: string, audio: string, flags: SyncFlags) => {
    const key = flags.key ?? process.env.LIPSYNC_KEY
    await (await import('./cli/sync.js')).sync(video, audio, { ...flags, ...(key && { key }) })
  })
addTargetOptions(syncCommand)

program
  .command('migrate')
  .description("Update the database's tables. Safe to repeat; serve does the same when it starts.")
  .addHelpText('after', '\nReads the environment variables of serve: DATABASE_URL, or DATA_DIR.')
  .action(async () => {
    const config = configFromEnv(process.env)
    const { migrateDatabase } = await import('./store/open-store.js')
    console.log(`Up to date: ${await migrateDatabase(config)}`)
  })

program
  .command('copy')
  .description('Copy a SQLite database to an empty Postgres database, with its keys, history and cursors.')
  .requiredOption('--from <url>', 'the SQLite database: file: and its path')
  .requiredOption('--to <url>', 'the Postgres database: postgres://user:password@host/database')
  .addHelpText(
    'after',
    '\nStop the gateway first, and start it on the copy afterwards. The SQLite database is left as it is.',
  )
  .action(async (flags: CopyFlags) => (await import('./cli/copy.js')).copy(flags))

program
  .command('schema')
  .description('Print the GraphQL schema, as in the file schema.graphql.')
  .action(async () => {
    const { printedSchema } = await import('./graphql/index.js')
    process.stdout.write(printedSchema())
  })

addKeysCommand(program)
addTasksCommand(program)

try {
  await program.parseAsync()
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown)
  process.exitCode = thrown instanceof ConfigError ? 2 : 1
}

/** The variables as commander lays out options. */
function variablesHelp(): string {
  const help = new Help()
  help.prepareContext({ helpWidth: Math.min(process.stdout.columns ?? 100, 120) })
  const variables = listVariables()
  const width = Math.max(...variables.map(({ name }) => name.length))
  return variables.map(({ name, description }) => help.formatItem(name, width, description, help)).join('\n')
}
