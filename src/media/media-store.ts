import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where the files of a result lie, as a path below the gateway's public URL and on disk. */
export const MEDIA_PATH = '/media/'

/** The bundled sample lies beside the sources; the compiled code is as deep below the package's root as they are. */
const SAMPLE_FOLDER = fileURLToPath(new URL('../../src/sample/', import.meta.url))

const SAMPLE = /^\/media\/sample\/([a-z0-9-]+\.(?:mp4|wav|mp3|m4a|ogg|jpg|png))$/
const RESULT = /^\/media\/([A-Za-z0-9_-]{20,64})\/(lipsync\.mp4|cover\.jpg)$/

/** The files that the gateway serves under `/media/`. */
export interface MediaFiles {
  /**
   * The absolute path of the file that a URL's path names, or null when it names none. Only names of the two known
   * shapes are answered, so no path leads out of the two folders. Whether the file exists is not looked at.
   */
  resolve(pathname: string): string | null
}

export const createMediaFiles = (dataDir: string): MediaFiles => ({
  resolve(pathname) {
    const [, sample] = SAMPLE.exec(pathname) ?? []
    if (sample) return join(SAMPLE_FOLDER, sample)
    const [, mediaId, name] = RESULT.exec(pathname) ?? []
    return mediaId && name ? resolve(mediaFolder(dataDir, mediaId), name) : null
  },
})

/** The folder of a result's files. */
export const mediaFolder = (dataDir: string, mediaId: string): string => join(dataDir, 'media', mediaId)
