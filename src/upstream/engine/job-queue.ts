/** Jobs that wait and run, a bounded number at a time, in the order they came. */
export interface JobQueue<Entry> extends AsyncDisposable {
  add(id: string, entry: Entry): void
  /** Whether a job that is added now would run at once. */
  hasCapacity(): boolean
  /** The job while it waits or runs; null when it is not known, or ended. */
  get(id: string): { readonly entry: Entry; readonly status: 'pending' | 'processing' } | null
}

/**
 * `run` gets a signal that tells it to stop; the job counts as running until it resolves. It must not reject.
 * `onChange` is told of each job that begins to run, and of each that is not known any more.
 */
export const createJobQueue = <Entry>(
  concurrency: number,
  run: (entry: Entry, stopping: AbortSignal) => Promise<void>,
  onChange: (id: string) => void = () => {},
): JobQueue<Entry> => {
  const stopping = new AbortController()
  const waiting = new Map<string, Entry>()
  const running = new Map<string, { readonly entry: Entry; readonly ended: Promise<void> }>()

  const fill = () => {
    for (const [id, entry] of waiting) {
      if (stopping.signal.aborted || running.size >= concurrency) return
      waiting.delete(id)
      const ended = run(entry, stopping.signal).then(() => {
        running.delete(id)
        onChange(id)
        fill()
      })
      running.set(id, { entry, ended })
      onChange(id)
    }
  }

  return {
    add(id, entry) {
      waiting.set(id, entry)
      fill()
    },
    hasCapacity: () => running.size + waiting.size < concurrency,
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
