import { setMaxListeners } from 'node:events'

/** Runs jobs in the order of their arrival, a limited number at a time. */
export interface JobQueue<Entry> extends AsyncDisposable {
  add(id: string, entry: Entry): void
  /** Whether a job that is added now would start at once. */
  hasCapacity(): boolean
  /** Returns a job while it waits or runs; null when it is unknown or has ended. */
  get(id: string): { readonly entry: Entry; readonly status: 'pending' | 'processing' } | null
}

/** The place of a running job under the concurrency limit. */
export interface Slot {
  /** Gives the slot to another job, unless too many jobs are without a slot already. */
  release(): void
  /** Resolves when the job has its slot, or when the queue stops. */
  acquire(): Promise<void>
}

export interface JobQueueOptions<Entry> {
  readonly concurrency: number
  /** Runs a job. It must not reject, and should resolve soon after `stopping` aborts. */
  run(entry: Entry, slot: Slot, stopping: AbortSignal): Promise<void>
  /** Called when a job starts, when it releases its slot, and when it has ended and is no longer known. */
  onChange?(id: string): void
}

/** How many running jobs may be without a slot. Beyond that a slow download keeps its slot. */
const MAX_WITHOUT_SLOT = 16

export function createJobQueue<Entry>({ concurrency, run, onChange }: JobQueueOptions<Entry>): JobQueue<Entry> {
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal) // Each running job listens.
  const waiting = new Map<string, Entry>()
  const running = new Map<string, { readonly entry: Entry; readonly ended: Promise<void> }>()
  /** Running jobs that want their slot back. They come before those that have not started. */
  const returning: (() => void)[] = []
  let occupied = 0
  let withoutSlot = 0

  function fill(): void {
    while (occupied < concurrency && !stopping.signal.aborted) {
      const enter = returning.shift()
      if (enter) enter()
      else if (!startNext()) return
    }
  }

  function startNext(): boolean {
    for (const [id, entry] of waiting) {
      waiting.delete(id)
      const { slot, leave } = createSlot(id)
      const ended = run(entry, slot, stopping.signal).then(() => {
        leave()
        running.delete(id)
        onChange?.(id)
        fill()
      })
      running.set(id, { entry, ended })
      onChange?.(id)
      return true
    }
    return false
  }

  function createSlot(id: string): { slot: Slot; leave(): void } {
    let isHeld = true
    occupied += 1
    const slot: Slot = {
      release() {
        if (!isHeld || withoutSlot >= MAX_WITHOUT_SLOT) return
        isHeld = false
        occupied -= 1
        withoutSlot += 1
        fill()
        onChange?.(id)
      },
      acquire() {
        if (isHeld || stopping.signal.aborted) return Promise.resolve()
        return new Promise(resolve => {
          stopping.signal.addEventListener('abort', () => resolve(), { once: true })
          returning.push(() => {
            isHeld = true
            occupied += 1
            withoutSlot -= 1
            resolve()
          })
          fill()
        })
      },
    }
    const leave = () => {
      if (isHeld) occupied -= 1
      else withoutSlot -= 1
    }
    return { slot, leave }
  }

  return {
    add(id, entry) {
      waiting.set(id, entry)
      fill()
    },
    hasCapacity: () => occupied + returning.length + waiting.size < concurrency,
    get(id) {
      const entry = waiting.get(id)
      if (entry) return { entry, status: 'pending' }
      const job = running.get(id)
      return job ? { entry: job.entry, status: 'processing' } : null
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await Promise.all([...running.values()].map(job => job.ended))
    },
  }
}
