import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import type { Task, TaskIn } from '../task.js'
import type { CopiedInputs } from '../task-store.js'
import type { AssetStore } from '../upload-store.js'
import { type AssetFile, asUpstreamError, type Upstream, type UpstreamError } from './upstream.js'

/**
 * Makes uploaded inputs available to an upstream that cannot reach the gateway: it gets a copy of each file before the
 * submit. The copy is remembered, so that the next task with the same file needs none.
 *
 * A copy can take minutes, so it is made beside the submit queue. Meanwhile only the tasks of the same caller wait; each
 * caller's tasks leave in the order of their creation. The call that begins a copy counts against the upstream's rate
 * limit like a submit.
 */
export interface InputPreparer {
  /** Returns what to submit in place of the task's own links; null when a copy has to be made first. */
  inputsOf(task: TaskIn<'queued'>, copies: CopiedInputs): SentInputs | null
  /** The callers whose tasks wait for a copy. */
  heldCallers(): string[]
  /** When the next failed copy may be tried again, in monotonic milliseconds. Null when no copy has failed. */
  nextMono(): number | null
  /**
   * Begins to copy a file of the task. Resolves once the call is recorded. Returns false, without an effect, when as many
   * copies are under way as may be.
   */
  prepare(task: TaskIn<'queued'>): Promise<boolean>
  isIdle(): boolean
  /** Resolves when no copy is under way. */
  idle(): Promise<void>
}

/** The links that are submitted. Null: the task's own. */
export interface SentInputs {
  readonly sentVideoUrl: string | null
  readonly sentAudioUrl: string | null
  /** How the uploaded files reach the upstream, for people; null for a task without uploads. */
  readonly reason: string | null
}

export interface InputPreparerParts {
  store: AssetStore
  upstream: Pick<Upstream, 'name' | 'createAsset'>
  clock: Clock
  log: Logger
  uploadedFiles: UploadedFiles
  /** Stops all copies. */
  cut: AbortSignal
  /** A copy ended, well or not. */
  onEnd(): void
  /** A call was refused for a reason that concerns all callers. */
  onRefused(error: UpstreamError): Promise<void>
  /** The upstream refused the file, or it is gone. */
  onRejected(task: TaskIn<'queued'>, reason: string): Promise<void>
}

export interface UploadedFiles {
  /** Whether the upstream can fetch the gateway's own links. */
  readonly areReachable: boolean
  /** The kept file with this content, or null when no such file is kept. */
  fileOf(sha256: string): Promise<AssetFile | null>
}

/** Copies under way, of all callers together. */
const MOST_COPIES = 4
const FIRST_RETRY_MS = 5_000
const LONGEST_RETRY_MS = 300_000

export function createInputPreparer(parts: InputPreparerParts): InputPreparer {
  const { store, upstream, clock, log, uploadedFiles, cut, onEnd, onRefused, onRejected } = parts
  const { name } = upstream
  const running = new Map<string, Promise<void>>()
  const failed = new Map<string, { readonly retryMono: number; readonly delayMs: number }>()

  const hashesOf = (task: Task) => [task.videoSha256, task.audioSha256] as const

  async function copiesOf(task: Task) {
    return Promise.all(hashesOf(task).map(hash => (hash === null ? null : store.upstreamAsset(hash, name))))
  }

  async function copy(task: TaskIn<'queued'>, sha256: string, file: AssetFile, call: number): Promise<void> {
    const createAsset = upstream.createAsset
    if (!createAsset) return
    try {
      const asset = await createAsset(file, cut).finally(() => store.endAssetCall(call, clock.monotonic()))
      await asset.send(cut)
      await store.addUpstreamAsset(sha256, name, asset.url)
      failed.delete(task.caller)
      log.info({ taskId: task.id, upstream: name }, 'uploaded file copied to the upstream')
    } catch (thrown) {
      await copyFailed(task, asUpstreamError(thrown))
    }
  }

  async function copyFailed(task: TaskIn<'queued'>, error: UpstreamError): Promise<void> {
    if (cut.aborted) return
    log.warn({ taskId: task.id, kind: error.kind, err: error }, 'uploaded file not copied to the upstream')
    switch (error.kind) {
      case 'rejected':
        return onRejected(task, error.message)
      case 'rate-limited':
      case 'account':
        return onRefused(error)
      case 'not-accepted':
      case 'not-found':
      case 'unsupported':
      case 'unclear': {
        // Nothing is paid for a copy, so it is simply made again.
        const delayMs = Math.min((failed.get(task.caller)?.delayMs ?? FIRST_RETRY_MS / 2) * 2, LONGEST_RETRY_MS)
        failed.set(task.caller, { delayMs, retryMono: clock.monotonic() + delayMs })
        return
      }
      default:
        return error.kind satisfies never
    }
  }

  return {
    inputsOf(task, copies) {
      const [video, audio] = hashesOf(task)
      if (video === null && audio === null) return OWN_LINKS
      if (!upstream.createAsset) return OWN_LINKS
      if (uploadedFiles.areReachable) return { ...OWN_LINKS, reason: "uploaded files: by the gateway's own link" }
      const { video: sentVideoUrl, audio: sentAudioUrl } = copies
      if ((video !== null && sentVideoUrl === null) || (audio !== null && sentAudioUrl === null)) return null
      return { sentVideoUrl, sentAudioUrl, reason: `uploaded files: copied to ${name}` }
    },

    heldCallers() {
      const now = clock.monotonic()
      const waiting = [...failed].filter(([, { retryMono }]) => retryMono > now).map(([caller]) => caller)
      return [...new Set([...running.keys(), ...waiting])]
    },

    nextMono() {
      const now = clock.monotonic()
      const times = [...failed.values()].map(({ retryMono }) => retryMono).filter(time => time > now)
      return times.length === 0 ? null : Math.min(...times)
    },

    async prepare(task) {
      if (running.size >= MOST_COPIES) return false
      const copies = await copiesOf(task)
      const sha256 = hashesOf(task).find((hash, index) => hash !== null && copies[index] === null)
      if (sha256 == null) return true
      const file = await uploadedFiles.fileOf(sha256)
      if (!file) {
        await onRejected(task, 'the uploaded file is gone')
        return true
      }
      const call = await store.beginAssetCall(clock.monotonic())
      const work = copy(task, sha256, file, call)
        .catch(err => log.error({ taskId: task.id, err }, 'the copy of an uploaded file could not be recorded'))
        .finally(() => {
          running.delete(task.caller)
          onEnd()
        })
      running.set(task.caller, work)
      return true
    },

    isIdle: () => running.size === 0,

    async idle() {
      while (running.size > 0) await Promise.all(running.values())
    },
  }
}

const OWN_LINKS: SentInputs = { sentVideoUrl: null, sentAudioUrl: null, reason: null }
