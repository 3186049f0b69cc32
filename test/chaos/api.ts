/** The operations of the gateway's API that clients and followers use. Each result is in the field `it`. */

export const CREATE = `mutation ($input: CreateLipSyncInput!) {
  it: createLipSync(input: $input) { task { id stage } errors { code message } }
}`
export const CANCEL = `mutation ($id: ID!) {
  it: cancelLipSync(input: { id: $id }) { task { id stage } errors { code message } }
}`
export const GIVE_UP = `mutation ($id: ID!) {
  it: resolveLipSync(input: { id: $id, action: FAIL }) { task { id stage } errors { code message } }
}`
export const UNFINISHED = `{
  it: lipSyncTasks(first: 100, filter: { status: [PENDING, PROCESSING] }) { edges { node { id stage problem } } }
}`
export const FOLLOW_ALL = `subscription ($after: String) {
  it: tasksUpdated(after: $after) { cursor task { id } }
}`
export const FOLLOW_ONE = `subscription ($id: ID!, $after: String) {
  it: taskUpdated(id: $id, after: $after) { cursor task { id } }
}`

export interface Payload {
  readonly task: { readonly id: string; readonly stage: string } | null
  readonly errors: readonly { readonly code: string; readonly message: string }[]
}

export interface TaskPage {
  readonly edges: readonly { readonly node: UnfinishedTask }[]
}
export interface UnfinishedTask {
  readonly id: string
  readonly stage: string
  readonly problem: string | null
}

export interface TaskEvent {
  readonly cursor: string
}

export interface ApiError {
  readonly message: string
  readonly extensions?: { readonly code?: string }
}

/** Errors after which a call is made again. */
const TRANSIENT: readonly string[] = ['STORE_UNAVAILABLE', 'SHUTTING_DOWN', 'RATE_LIMITED']

export function isTransient(errors: readonly ApiError[]): boolean {
  return errors.length > 0 && errors.every(error => TRANSIENT.includes(error.extensions?.code ?? ''))
}
