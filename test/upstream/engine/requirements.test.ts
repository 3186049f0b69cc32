import { expect, test } from 'vitest'
import {
  MOUTH_PACKAGES,
  MouthPackagesMissingError,
  missingMouthPackages,
} from '../../../src/upstream/engine/worker/face/packages.js'

test('all packages of the mouth are installed here', () => {
  expect(missingMouthPackages()).toEqual([])
})

test('a missing package is named, with the command that installs it', () => {
  const [human, core] = MOUTH_PACKAGES
  const missing = missingMouthPackages(name => {
    if (name === human || name === core) throw new Error('not found')
    return name
  })
  expect(missing).toEqual([human, core])
  expect(new MouthPackagesMissingError(missing).message).toContain(`npm install ${human} ${core}`)
})
