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

function play(on: Call, how: Play['play']): Play {
  return { on, play: how }
}

/** The next submit is accepted under this id. */
export function accepted(taskId: string) {
  return play('submit', scene => scene.send(scene.honest(taskId)))
}

/** Moves the job that the next status call asks about, just before the call. */
function moves(move: (jobs: JoggJobs, taskId: string) => void) {
  return play('status', scene => {
    if (scene.taskId && scene.jobs.look(scene.taskId)) move(scene.jobs, scene.taskId)
    scene.send(scene.honest())
  })
}
export function pending() {
  return moves(() => {})
}
export function processing() {
  return moves((jobs, taskId) => jobs.process(taskId))
}
export function success(finish?: Finish) {
  return moves((jobs, taskId) => jobs.finish(taskId, finish))
}
export function failed(message: string) {
  return moves((jobs, taskId) => jobs.fail(taskId, message))
}
export function vanished() {
  return moves((jobs, taskId) => jobs.vanish(taskId))
}

/** Sends exactly this answer. */
export function answers(on: Call, answer: JoggAnswer, { accepting = false }: Moment = {}) {
  return play(on, scene => {
    if (accepting) scene.honest()
    scene.send(answer)
  })
}

/** Answers with an error of JoggAI, by default with HTTP 200. */
export function code(
  on: Call,
  number: number,
  msg: string,
  { http = 200, ...moment }: Moment & { http?: number } = {},
) {
  return answers(on, { http, body: { code: number, msg, data: null } }, moment)
}

/** Answers with an HTTP status and the page of a proxy in front of JoggAI. */
export function htmlPage(on: Call, http: number, moment?: Moment) {
  return answers(on, { http, headers: { 'content-type': 'text/html' }, body: `<html><h1>${http}</h1></html>` }, moment)
}

/** Refuses for the rate limit. `retryAfter` is in seconds; `where` is its place in the answer. */
export function rateLimited(on: Call, retryAfter?: number, where: 'body' | 'data' | 'header' = 'body') {
  const say = (place: typeof where) => (place === where && retryAfter !== undefined ? { retryAfter } : null)
  return answers(on, {
    http: 429,
    headers: say('header') ? { 'retry-after': String(retryAfter) } : {},
    body: { code: 429, msg: 'Rate limit exceeded', data: say('data'), ...say('body') },
  })
}

/** Answers as if the path did not exist. */
export function notOffered(on: Call) {
  return htmlPage(on, 404)
}

/** Answers with bytes that are not HTTP. */
export function garbage(on: Call, { accepting = false }: Moment = {}) {
  return play(on, scene => {
    if (accepting) scene.honest()
    scene.sendRaw('\u0000\u0001 not HTTP \r\n\r\n')
  })
}

/** Resets the connection instead of answering. */
export function resets(on: Call, { accepting = false }: Moment = {}) {
  return play(on, scene => {
    if (accepting) scene.honest()
    scene.reset()
  })
}

/** Sends nothing until it is released, then answers honestly. */
export function hangs(on: Call, { accepting = false }: Moment = {}) {
  return play(on, async scene => {
    const answer = accepting ? scene.honest() : undefined
    await scene.held()
    scene.send(answer ?? scene.honest())
  })
}

/** Begins an honest answer and stops in the middle of the body. */
export function stalls(on: Call) {
  return play(on, scene => scene.sendHalf(scene.honest()))
}

/** Begins an honest answer and resets the connection in the middle of the body. */
export function breaksOff(on: Call) {
  return play(on, scene => {
    scene.sendHalf(scene.honest())
    scene.reset()
  })
}
