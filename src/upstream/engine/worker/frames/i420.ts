/** One frame in I420 (BT.601, limited range): a full plane of Y, then planes of U and V of half the width and height. */
export interface Picture {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

/** Where the planes of a frame are in its bytes. */
export interface PlaneLayout {
  readonly chromaWidth: number
  readonly chromaHeight: number
  /** Offsets of U and V; Y starts at 0. */
  readonly u: number
  readonly v: number
  /** The size of the whole frame. */
  readonly bytes: number
}

export function planeLayout({ width, height }: { readonly width: number; readonly height: number }): PlaneLayout {
  const chromaWidth = (width + 1) >> 1
  const chromaHeight = (height + 1) >> 1
  const u = width * height
  const v = u + chromaWidth * chromaHeight
  return { chromaWidth, chromaHeight, u, v, bytes: v + chromaWidth * chromaHeight }
}

/** The size of a frame in bytes. */
export function frameBytes(size: { readonly width: number; readonly height: number }): number {
  return planeLayout(size).bytes
}
