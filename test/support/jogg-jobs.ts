import { randomUUID } from 'node:crypto'
import type { Inputs } from '../../src/tasks/task.js'

/** A job as JoggAI keeps it. Times are milliseconds since the Unix epoch. */
export interface JoggJob {
  readonly taskId: string
  readonly inputs: Inputs
  readonly createdAt: number
  status: 'pending' | 'processing' | 'success' | 'failed'
  completedAt: number | null
  output: { resultUrl: string; coverUrl: string; seconds: number } | null
  message: string | null
}

export interface Finish {
  /** Length of the output. @default 12.5 */
  seconds?: number
  resultUrl?: string
  coverUrl?: string
}

/** The jobs that the double was paid for, and their state. Knows no HTTP and never misbehaves. */
export function createJoggJobs(now: () => number) {
  const jobs = new Map<string, JoggJob>()
  const vanished = new Set<JoggJob>()
  const known = (taskId: string) => {
    const job = jobs.get(taskId)
    if (!job) throw new Error(`the scripted JoggAI has no job ${taskId}`)
    return job
  }

  return {
    /** Accepts a job and charges for it: each call is one more paid job. */
    accept(inputs: Inputs, taskId: string = randomUUID()): JoggJob {
      const job: JoggJob = {
        taskId,
        inputs,
        createdAt: now(),
        status: 'pending',
        completedAt: null,
        output: null,
        message: null,
      }
      jobs.set(taskId, job)
      return job
    },
    look: (taskId: string): JoggJob | undefined => jobs.get(taskId),
    /** The latest one made from these inputs. */
    find: (inputs: Inputs): JoggJob | undefined => [...jobs.values()].filter(job => same(job.inputs, inputs)).at(-1),
    process(taskId: string) {
      known(taskId).status = 'processing'
    },
    finish(taskId: string, finish: Finish = {}) {
      const job = known(taskId)
      job.status = 'success'
      job.completedAt = now()
      job.output = {
        resultUrl: finish.resultUrl ?? `https://res.jogg.example/${taskId}.mp4`,
        coverUrl: finish.coverUrl ?? `https://res.jogg.example/${taskId}.jpg`,
        seconds: finish.seconds ?? 12.5,
      }
    },
    fail(taskId: string, message: string) {
      const job = known(taskId)
      job.status = 'failed'
      job.completedAt = now()
      job.message = message
    },
    /** Forgets a job, as if it had never existed; it still counts as paid. */
    vanish(taskId: string) {
      vanished.add(known(taskId))
      jobs.delete(taskId)
    },
    /** Every job ever accepted, vanished ones included, or only those made from `inputs`. */
    accepted(inputs?: Inputs): JoggJob[] {
      const all = [...vanished, ...jobs.values()]
      return inputs ? all.filter(job => same(job.inputs, inputs)) : all
    },
  }
}

export type JoggJobs = ReturnType<typeof createJoggJobs>

function same(a: Inputs, b: Inputs): boolean {
  return a.videoUrl === b.videoUrl && a.audioUrl === b.audioUrl && a.playbackType === b.playbackType
}
