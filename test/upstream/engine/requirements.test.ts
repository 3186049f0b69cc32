import { expect, test } from 'vitest'
import { checkRequirements } from '../../../src/upstream/engine/requirements.js'
import { startEngine } from '../../support/engine.js'

test('everything that the engine needs is installed here', async () => {
  await checkRequirements(null)
})

test('the engine does not start without an FFmpeg, and says in one line what to do', async () => {
  await expect(checkRequirements(null, name => name !== '@ffmpeg/core')).rejects.toThrow(
    /^[^\n]*"npm install @ffmpeg\/core"\.[^\n]*FFMPEG_PATH[^\n]*$/,
  )
  await expect(startEngine({ ffmpegPath: '/nowhere/ffmpeg' })).rejects.toThrow(
    /^FFmpeg cannot be run as "\/nowhere\/ffmpeg"[^\n]*$/,
  )
  await expect(startEngine({ ffmpegPath: process.execPath })).rejects.toThrow(/^FFmpeg cannot be run as[^\n]*$/)
})

test('the engine does not start without the face packages, and names the missing ones in one line', async () => {
  const missing = ['@vladmandic/human', '@tensorflow/tfjs-core']
  await expect(checkRequirements(null, name => !missing.includes(name))).rejects.toThrow(
    /^[^\n]*"npm install @vladmandic\/human @tensorflow\/tfjs-core"\.$/,
  )
  await expect(checkRequirements(null, name => ![...missing, '@ffmpeg/core'].includes(name))).rejects.toThrow(
    /^[^\n]*"npm install @ffmpeg\/core @vladmandic\/human @tensorflow\/tfjs-core"\.[^\n]*$/,
  )
})
