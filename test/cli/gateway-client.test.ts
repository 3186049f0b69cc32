import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createGatewayClient } from '../../src/cli/gateway-client.js'
import { startUploadGateway } from '../support/uploads.js'

const FILE = fileURLToPath(new URL('../../src/sample/presenter.mp4', import.meta.url))
const AUDIO_URL = 'https://media.example/a.mp3'

test('uploads, creates, lists, cancels and retries through a remote gateway', async () => {
  await using gw = await startUploadGateway()
  const { text: key } = await gw.createKey('me')
  const client = createGatewayClient({ url: `${gw.url}/`, key, signal: new AbortController().signal })
  const videoUrl = await client.upload(FILE)
  const task = await client.create({ videoUrl, audioUrl: AUDIO_URL })
  expect(await client.task(task.id)).toMatchObject({ id: task.id })
  expect((await client.tasks(10)).map(({ id }) => id)).toEqual([task.id])
  await gw.clock.advance(10)
  await expect(client.cancel(task.id)).rejects.toThrow('only a queued task can be canceled')
  await expect(client.retry(task.id)).rejects.toThrow('only a failed or canceled task can be retried')
  await expect(client.task('unknown')).rejects.toThrow('There is no task unknown.')
})

test('says what is wrong with a key, a file and an address', async () => {
  await using gw = await startUploadGateway()
  await gw.createKey('me')
  const signal = new AbortController().signal
  const wrong = createGatewayClient({ url: gw.url, key: 'wrong', signal })
  await expect(wrong.tasks(1)).rejects.toThrow('The gateway answered: ')
  const nobody = createGatewayClient({ url: 'http://127.0.0.1:1', key: undefined, signal })
  await expect(nobody.tasks(1)).rejects.toThrow('cannot be reached')
  await expect(wrong.upload('no-such-file.mp4')).rejects.toThrow('no-such-file.mp4')
})
