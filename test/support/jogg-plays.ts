import type { Finish, JoggJobs } from './jogg-jobs.js'

/** The calls of JoggAI's API that a lip sync needs, and the request that sends a file to its storage. */
export type Call = 'submit' | 'status' | 'find' | 'asset' | 'put'

/** One answer on the wire. */
export interface JoggAnswer {
  /** @default 200 */
  http?: number
  headers?: Record<string, string>
  /** Text and bytes are sent unchanged, anything else as JSON. */
  body: unknown
}

/** What a play may do with the one request it takes. */
export interface Scene {
  readonly jobs: JoggJobs
  /** The id that a status call asks about. */
  readonly taskId: string | undefined
  /** Does what an honest JoggAI would do, and gives its answer without sending it. A submit is accepted, and paid, here. */
  honest(taskId?: string): JoggAnswer
  /** Resolves when the test releases the held requests. */
  held(): Promise<void>
  send(answer: JoggAnswer): void
  /** Sends the head of an answer and the first half of its body, then nothing more. */
  sendHalf(answer: JoggAnswer): void
  /** Sends bytes that need not be HTTP, and closes the connection. */
  sendRaw(bytes: string): void
  /** Resets the connection. */
  reset(): void
}

/** How the next call of one kind is answered. */
export interface Play {
  readonly on: Call
  readonly play: (scene: Scene) => void | Promise<void>
}

/** When the misbehaviour happens: before the request had any effect, or after it, so that only the answer is lost. */
export interface Moment {
  /** @default false */
  accepting?: boolean
}

const play = (on: Call, how: Play['play']): Play => ({ on, play: how })

/** The next submit is accepted under this id. */
export const accepted = (taskId: string) => play('submit', scene => scene.send(scene.honest(taskId)))

/** Moves the job that the next status call asks about, just before the call. */
const moves = (move: (jobs: JoggJobs, taskId: string) => void) =>
  play('status', scene => {
    if (scene.taskId && scene.jobs.look(scene.taskId)) move(scene.jobs, scene.taskId)
    scene.send(scene.honest())
  })
export const pending = () => moves(() => {})
export const processing = () => moves((jobs, taskId) => jobs.process(taskId))
export const success = (finish?: Finish) => moves((jobs, taskId) => jobs.finish(taskId, finish))
export const failed = (message: string) => moves((jobs, taskId) => jobs.fail(taskId, message))
export const vanished = () => moves((jobs, taskId) => jobs.vanish(taskId))

/** Sends exactly this answer. */
export const answers = (on: Call, answer: JoggAnswer, { accepting = false }: Moment = {}) =>
  play(on, scene => {
    if (accepting) scene.honest()
    scene.send(answer)
  })

/** Answers with an error of JoggAI, by default with HTTP 200. */
export const code = (
  on: Call,
  number: number,
  msg: string,
  { http = 200, ...moment }: Moment & { http?: number } = {},
) => answers(on, { http, body: { code: number, msg, data: null } }, moment)

/** Answers with an HTTP status and the page of a proxy in front of JoggAI. */
export const htmlPage = (on: Call, http: number, moment?: Moment) =>
  answers(on, { http, headers: { 'content-type': 'text/html' }, body: `<html><h1>${http}</h1></html>` }, moment)

/** Refuses for the rate limit. `retryAfter` is in seconds; `where` is its place in the answer. */
export const rateLimited = (on: Call, retryAfter?: number, where: 'body' | 'data' | 'header' = 'body') => {
  const say = (place: typeof where) => (place === where && retryAfter !== undefined ? { retryAfter } : null)
  return answers(on, {
    http: 429,
    headers: say('header') ? { 'retry-after': String(retryAfter) } : {},
    body: { code: 429, msg: 'Rate limit exceeded', data: say('data'), ...say('body') },
  })
}

/** Answers as if the path did not exist. */
export const notOffered = (on: Call) => htmlPage(on, 404)

/** Answers with bytes that are not HTTP. */
export const garbage = (on: Call, { accepting = false }: Moment = {}) =>
  play(on, scene => {
    if (accepting) scene.honest()
    scene.sendRaw('\u0000\u0001 not HTTP \r\n\r\n')
  })

/** Resets the connection instead of answering. */
export const resets = (on: Call, { accepting = false }: Moment = {}) =>
  play(on, scene => {
    if (accepting) scene.honest()
    scene.reset()
  })

/** Sends nothing until it is released, then answers honestly. */
export const hangs = (on: Call, { accepting = false }: Moment = {}) =>
  play(on, async scene => {
    const answer = accepting ? scene.honest() : undefined
    await scene.held()
    scene.send(answer ?? scene.honest())
  })

/** Begins an honest answer and stops in the middle of the body. */
export const stalls = (on: Call) => play(on, scene => scene.sendHalf(scene.honest()))

/** Begins an honest answer and resets the connection in the middle of the body. */
export const breaksOff = (on: Call) =>
  play(on, scene => {
    scene.sendHalf(scene.honest())
    scene.reset()
  })
