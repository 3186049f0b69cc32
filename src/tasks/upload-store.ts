/**
 * The files that callers uploaded to be inputs of tasks. Every method is asynchronous; when one resolves, its effect is
 * durable. Methods reject with a `StoreError`.
 */
export interface UploadStore {
  /** Writes a new upload. Returns false, and writes nothing, when the caller would keep more than `maxBytes`. */
  addUpload(upload: Upload, maxBytes: number | null): Promise<boolean>
  /** Forgets an upload whose file could not be stored. */
  dropUpload(mediaId: string): Promise<void>
  /** The upload with this id, also one whose file has expired. */
  upload(mediaId: string): Promise<StoredUpload | null>
  /** An upload with this content whose file is kept. */
  uploadOfContent(sha256: string): Promise<StoredUpload | null>
  /** Keeps the file of an upload until this time at least. Returns null when it has expired, or there is none. */
  keepUpload(mediaId: string, untilMono: number): Promise<StoredUpload | null>
  /** How many files of a caller are kept, and their size. */
  keptUploads(caller: string): Promise<KeptUploads>
  /**
   * Lets uploads expire whose time is up, and returns those whose files are to be deleted. One that an unfinished task
   * uses is kept until `againMono`.
   */
  expireUploads(nowMono: number, againMono: number, limit: number): Promise<StoredUpload[]>
  /** When the next upload expires; null when none is kept. */
  nextExpiryMono(): Promise<number | null>
}

export interface Upload {
  /** The folder of the file in the media store. */
  readonly mediaId: string
  readonly name: string
  readonly caller: string
  readonly sizeBytes: number
  readonly sha256: string
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number
  readonly expiresMono: number
}

export interface StoredUpload extends Upload {
  /** False: it has expired, and its file is gone. */
  readonly isKept: boolean
}

export interface KeptUploads {
  readonly files: number
  readonly bytes: number
}

/** The copies of uploads at the upstream, and the calls that made them. */
export interface AssetStore {
  /** The link to a copy of this content at the upstream. */
  upstreamAsset(sha256: string, upstream: string): Promise<string | null>
  /** Remembers a copy. The first one stays, because submitted tasks name it. Returns the one that is remembered. */
  addUpstreamAsset(sha256: string, upstream: string, url: string): Promise<string>
  /** Records that a call of the upstream's rate limit begins. Returns a number to record its end with. */
  beginAssetCall(mono: number): Promise<number>
  endAssetCall(id: number, mono: number): Promise<void>
  /** The latest calls, the earliest begun first. */
  recentAssetCalls(limit: number): Promise<{ readonly endedMono: number }[]>
}

/** What an upload link allows. */
export interface UploadClaims {
  readonly caller: string
  readonly mediaId: string
  /** The name of the file in the media store. */
  readonly name: string
  /** As declared. `application/octet-stream` says nothing about the file. */
  readonly contentType: string
  /** As declared; null: not declared. */
  readonly sizeBytes: number | null
  readonly largestBytes: number
  /** How much the caller may keep in all; null: no limit. */
  readonly quotaBytes: number | null
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}
