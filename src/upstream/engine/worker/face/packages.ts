import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** The optional packages that find the face: the model files come from the first, the others run them. */
export const MOUTH_PACKAGES = [
  '@vladmandic/human',
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-converter',
  '@tensorflow/tfjs-backend-wasm',
] as const

/** Those of the optional packages that are not installed, without loading any of them. */
export const missingMouthPackages = (
  resolve: (name: string) => string = name => require.resolve(name),
): readonly string[] =>
  MOUTH_PACKAGES.filter(name => {
    try {
      resolve(name)
      return false
    } catch {
      return true
    }
  })

/** Where a package's main file lies. */
export const resolvePackage = (name: (typeof MOUTH_PACKAGES)[number]): string => require.resolve(name)

/** Thrown when the mouth can't be moved for want of optional packages; the message says how to install them. */
export class MouthPackagesMissingError extends Error {
  override readonly name = 'MouthPackagesMissingError'
  readonly missing: readonly string[]
  constructor(missing: readonly string[]) {
    super(`The mouth needs optional packages that are missing: install with "npm install ${missing.join(' ')}"`)
    this.missing = missing
  }
}
