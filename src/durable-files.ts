import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Puts a file in its place whole and for good: whoever sees it sees all of it, and after a power cut it is still there. */
export const writeDurably = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.part`
  const file = await open(temporary, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** Moves a finished file to its place, within one file system, as durably. */
export const moveDurably = async (from: string, to: string): Promise<void> => {
  await sync(from, 'r+')
  await rename(from, to)
  await syncFolder(dirname(to))
}

/** A rename or a new entry is only on disk when its folder is. Windows cannot do this, nor does it need it. */
export const syncFolder = async (path: string): Promise<void> => {
  if (process.platform !== 'win32') await sync(path, 'r')
}

const sync = async (path: string, flags: string): Promise<void> => {
  const file = await open(path, flags)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
