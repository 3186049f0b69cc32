import { measureCalls } from '../load.js'
import type { Measure } from './measure.js'

export const CREATORS = 32
let created = 0

/** New tasks of 32 callers at a time, each with inputs of its own. */
export const create: Measure = {
  name: 'create',
  run: ({ process, client }, { creates }) =>
    measureCalls(process, creates, CREATORS, () => client.create(newVideoUrl())),
}

export function newVideoUrl(): string {
  return `https://media.example/created-${created++}.mp4`
}
