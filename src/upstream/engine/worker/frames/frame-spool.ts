import { closeSync, openSync, readSync, writeSync } from 'node:fs'

/** Frames in a file. Any frame can be read at any time, and none is kept in memory. */
export interface FrameSpool extends Disposable {
  readonly frames: number
  append(frame: Uint8Array): void
  /** Reads a frame into the buffer. */
  read(index: number, into: Uint8Array): void
}

export function createFrameSpool(path: string, bytesPerFrame: number): FrameSpool {
  const fd = openSync(path, 'w+', 0o600)
  let frames = 0
  return {
    get frames() {
      return frames
    },
    append(frame) {
      writeFully(fd, frame, frames * bytesPerFrame)
      frames += 1
    },
    read(index, into) {
      let filled = 0
      while (filled < bytesPerFrame) {
        const read = readSync(fd, into, filled, bytesPerFrame - filled, index * bytesPerFrame + filled)
        if (read === 0) throw new Error(`Frame ${index} is not in the spool of ${frames}`)
        filled += read
      }
    },
    [Symbol.dispose]: () => closeSync(fd),
  }
}

function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  let written = 0
  while (written < bytes.length) written += writeSync(fd, bytes, written, bytes.length - written, position + written)
}
