import columnify from 'columnify'
import type { Command } from 'commander'
import { createGatewayClient, type GatewayClient, type ShownTask } from './gateway-client.js'
import { onInterrupt } from './interrupt.js'
import { toWhole } from './parse-argument.js'

interface TaskFlags {
  readonly url: string
  readonly key?: string
  readonly json?: true
}

/** Adds `tasks list | show | cancel | retry`, for a gateway that is running. */
export function addTasksCommand(program: Command): void {
  const tasks = program.command('tasks').description('List, show, cancel and retry the tasks of a running gateway.')

  tasks
    .command('list')
    .description('List the latest tasks, newest first.')
    .option('--first <n>', 'how many: 1 to 100', toWhole(1, 100), 20)
    .action((flags: { first: number }, command: Command) =>
      withClient(command, async (client, { json }) => show(await client.tasks(flags.first), json)),
    )
  const one = (name: string, description: string, act: (client: GatewayClient, id: string) => Promise<ShownTask>) =>
    tasks
      .command(name)
      .description(description)
      .argument('<id>', 'the id of the task')
      .action((id: string, _flags: object, command: Command) =>
        withClient(command, async (client, { json }) => show([await act(client, id)], json)),
      )
  one('show', 'Show a task.', (client, id) => client.task(id))
  one('cancel', 'Cancel a task that is still queued.', (client, id) => client.cancel(id))
  one('retry', 'Create a new task with the inputs of a failed one.', (client, id) => client.retry(id))

  for (const command of tasks.commands) addTargetOptions(command, 'http://127.0.0.1:4000')
}

/** Adds the options that name a gateway. */
export function addTargetOptions(command: Command, defaultUrl?: string): Command {
  return command
    .option('--url <url>', 'the gateway', defaultUrl)
    .option('--key <key>', 'API key; LIPSYNC_KEY keeps it out of the list of processes')
    .option('--json', 'print JSON')
}

async function withClient(command: Command, use: (client: GatewayClient, flags: TaskFlags) => Promise<void>) {
  const flags = command.opts<TaskFlags>()
  const key = flags.key ?? process.env.LIPSYNC_KEY
  await use(createGatewayClient({ url: flags.url, key, signal: onInterrupt() }), flags)
}

function show(tasks: readonly ShownTask[], json: true | undefined): void {
  if (json) {
    for (const task of tasks) console.log(JSON.stringify(task))
    return
  }
  const rows = tasks.map(({ id, stage, createdAt, reference, result, failure }) => ({
    id,
    stage,
    created: createdAt,
    reference: reference ?? '-',
    outcome: result?.resultUrl ?? failure?.message ?? '-',
  }))
  console.log(columnify(rows, { columnSplitter: '  ' }).replace(/ +$/gm, ''))
}
