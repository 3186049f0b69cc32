import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startJogg } from '../test/support/jogg.js'
import { wallClock } from './statistics.js'

/** The scripted JoggAI in a process of its own. */
export interface JoggDouble extends Disposable {
  /** The variables that make a gateway use it. */
  readonly env: Record<string, string>
  /** The video URL of each submit so far, in order. */
  readonly submitted: readonly string[]
  /** Begins the job of this video. Resolves with the time at which a status check was told so, by `wallClock`. */
  process(videoUrl: string): Promise<number>
}

type FromDouble =
  | { readonly started: Record<string, string> }
  | { readonly submitted: string }
  | { readonly reported: string; readonly at: number }

const SELF = fileURLToPath(import.meta.url)

export async function startJoggDouble(): Promise<JoggDouble> {
  const child = fork(SELF, ['serve'], { execArgv: ['--import', 'tsx'] })
  const submitted: string[] = []
  const reported = new Map<string, (at: number) => void>()
  child.on('message', (message: FromDouble) => {
    if ('submitted' in message) submitted.push(message.submitted)
    if ('reported' in message) reported.get(message.reported)?.(message.at)
  })
  return {
    env: await started(child),
    submitted,
    process(videoUrl) {
      return new Promise(resolve => {
        reported.set(videoUrl, resolve)
        child.send(videoUrl)
      })
    },
    [Symbol.dispose]: () => child.disconnect(),
  }
}

async function started(child: ChildProcess): Promise<Record<string, string>> {
  const [message] = await once(child, 'message')
  return (message as { started: Record<string, string> }).started
}

async function serve(): Promise<void> {
  const changed = new Map<string, string>()
  const jogg = await startJogg({
    improvise({ call, inputs, taskId = '' }) {
      if (call === 'submit' && inputs.videoUrl) report({ submitted: inputs.videoUrl })
      const videoUrl = changed.get(taskId)
      if (call !== 'status' || !videoUrl) return undefined
      changed.delete(taskId)
      return scene => {
        scene.send(scene.honest())
        report({ reported: videoUrl, at: wallClock() })
      }
    },
  })
  process.on('message', (videoUrl: string) => {
    const job = jogg.jobs.accepted().find(({ inputs }) => inputs.videoUrl === videoUrl)
    if (!job) throw new Error(`${videoUrl} was not submitted`)
    jogg.process(job.taskId)
    changed.set(job.taskId, videoUrl)
  })
  process.once('disconnect', () => process.exit(0))
  report({ started: { JOGG_API_KEY: jogg.apiKey, JOGG_BASE_URL: jogg.url } })
}

function report(message: FromDouble): void {
  process.send?.(message)
}

if (process.argv[1] === SELF && process.argv[2] === 'serve') await serve()
