import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makePrivateFolder, moveDurably, syncFolder } from './durable-files.js'

/**
 * The files that the gateway serves under `/media/`: results, uploads and the bundled sample. The files that belong
 * together share a folder with a random id. The id is the only protection of its files, so it must be unguessable.
 */
export interface MediaStore {
  /**
   * Moves a finished file into the store. It is complete and durable when the promise resolves. The file must be on the
   * file system of the data folder, and is gone from its old place.
   *
   * @param mediaId 20 to 64 characters of `A-Z a-z 0-9 _ -`
   * @param name for example `cover.jpg`
   */
  put(mediaId: string, name: string, file: string): Promise<void>
  /** The path of a file below the gateway's public URL: `/media/<id>/<name>`. */
  publicPath(mediaId: string, name: string): string
  /**
   * Returns the absolute path of the file that belongs to the path of a URL, or null when the path does not have the
   * form of a media path. The file need not exist.
   */
  resolve(pathname: string): string | null
  /** Deletes all files of an id. Does nothing when there are none. */
  delete(mediaId: string): Promise<void>
}

/** Compiled code and sources are equally deep below the package's root. */
const SAMPLE_FOLDER = fileURLToPath(new URL('../../src/sample/', import.meta.url))

const ID = /^[A-Za-z0-9_-]{20,64}$/
const NAME = /^[a-z0-9][a-z0-9-]{0,63}\.(?:mp4|m4v|mov|mkv|webm|wav|mp3|m4a|aac|flac|ogg|jpg|png)$/
const PATH = /^\/media\/([^/]+)\/([^/]+)$/

/** The media store on the local disk, in the folder `media` of the data folder. */
export function createMediaStore(dataDir: string): MediaStore {
  const root = resolve(dataDir, 'media')

  return {
    async put(mediaId, name, file) {
      if (!ID.test(mediaId) || !NAME.test(name)) throw new Error(`Not a media id and name: ${mediaId}/${name}`)
      const folder = join(root, mediaId)
      await makePrivateFolder(root)
      await makePrivateFolder(folder)
      await syncFolder(root)
      await moveDurably(file, join(folder, name))
    },

    publicPath: (mediaId, name) => `/media/${mediaId}/${name}`,

    resolve(pathname) {
      const [, mediaId = '', name = ''] = PATH.exec(pathname) ?? []
      if (!NAME.test(name)) return null
      if (mediaId === 'sample') return join(SAMPLE_FOLDER, name)
      return ID.test(mediaId) ? join(root, mediaId, name) : null
    },

    async delete(mediaId) {
      if (ID.test(mediaId)) await rm(join(root, mediaId), { recursive: true, force: true })
    },
  }
}
