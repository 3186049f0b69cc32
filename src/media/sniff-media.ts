import { fileTypeFromFile } from 'file-type'

export type MediaKind = 'video' | 'audio'

/**
 * Returns what a file is by its content: `video` for a container that can hold pictures, `audio` for one that holds sound
 * only, null for anything else, such as a web page or a picture.
 */
export async function sniffMedia(path: string): Promise<MediaKind | null> {
  const type = await fileTypeFromFile(path)
  if (!type) return null
  if (type.mime.startsWith('video/') || type.mime === 'application/ogg') return 'video'
  return type.mime.startsWith('audio/') ? 'audio' : null
}
