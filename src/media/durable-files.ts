import { chmod, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Read and written by the gateway's user only. */
export const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

/** Creates a folder that only the gateway's user can enter, or restricts an existing one. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER })
  await chmod(path, PRIVATE_FOLDER)
}

/**
 * Replaces a file atomically. Readers see the old or the new text, and the new one survives a power failure. Two writes of
 * one file must not overlap.
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.part`
  const file = await open(temporary, 'w', PRIVATE_FILE)
  try {
    // The mode above applies to new files only, and one may be left of a write that was cut off.
    await file.chmod(PRIVATE_FILE)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** Moves a finished file within one file system, atomically and durably. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await chmod(from, PRIVATE_FILE)
  await sync(from, 'r+')
  await rename(from, to)
  await syncFolder(dirname(to))
}

/** Makes new and renamed entries of a folder durable. Windows has no such call and does not need it. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform !== 'win32') await sync(path, 'r')
}

async function sync(path: string, flags: string): Promise<void> {
  const file = await open(path, flags)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
