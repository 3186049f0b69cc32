import { expect, test } from 'vitest'
import { rest } from '../support/rest.js'
import { put, sampleAudio, sampleVideo, startUploadGateway } from '../support/uploads.js'

const TYPE = { name: 'Content-Type', value: 'application/octet-stream' }

test.each(['/v2/upload/asset', '/open/v2/upload/asset', '/v1/upload/asset', '/v2/upload/asset/'])(
  'two local files become a task through %s',
  async path => {
    await using gw = await startUploadGateway()
    const upload = async (filename: string, bytes: Uint8Array, fields: object = {}) => {
      const { json } = await rest(gw.url, path, { method: 'POST', body: { filename, ...fields } })
      expect(json).toMatchObject({ code: 0, msg: 'Success', data: { asset_id: json.data.asset_url } })
      expect((await put({ url: json.data.sign_url, headers: [TYPE] }, bytes)).status).toBe(200)
      return json.data.asset_url as string
    }
    const [video, audio] = [await sampleVideo(), await sampleAudio()]
    const fields = { content_type: 'video/mp4', file_size: video.length }
    const body = {
      video_url: await upload('My Talking Head.MP4', video, fields),
      audio_url: await upload('voice.m4a', audio, { content_type: 'application/octet-stream', file_size: 0 }),
    }
    const created = await rest(gw.url, '/v2/create_lip_sync_video', { method: 'POST', body })
    expect(created.json).toMatchObject({ code: 0, data: { status: 'pending' } })

    // Other uploads of the same files are the same inputs.
    const again = new URLSearchParams({
      video_url: await upload('b.mp4', video),
      audio_url: await upload('b.m4a', audio),
    })
    const found = await rest(gw.url, `/v2/lip_sync_video?${again}`)
    expect(found.json.data.task_id).toBe(created.json.data.task_id)
  },
)

test.each([
  [{}, 'filename is required'],
  [{ filename: 'a.exe' }, 'filename'],
  [{ filename: 'a.mp4', content_type: 'image/png' }, 'content_type'],
  [{ filename: 'a.mp4', file_size: 500_000_001 }, 'file_size'],
])('refuses %j', async (body, text) => {
  await using gw = await startUploadGateway()
  const { json } = await rest(gw.url, '/v2/upload/asset', { method: 'POST', body })
  expect(json).toMatchObject({ code: 40000, data: null })
  expect(json.msg).toContain(text)
})

test('a batch is created as a whole, or refused with the index of each wrong track', async () => {
  await using gw = await startUploadGateway()
  const video_url = 'https://media.example/v.mp4'
  const tracks = [1, 2, 3].map(i => ({ audio_url: `https://media.example/${i}.mp3`, idempotency_key: `k${i}` }))
  const send = (body: object) => rest(gw.url, '/v2/create_lip_sync_batch', { method: 'POST', body })
  const first = await send({ video_url, tracks })
  expect(first.json.data.tasks).toHaveLength(3)
  expect((await send({ video_url, tracks })).json.data).toEqual(first.json.data)
  const wrong = await send({ video_url, tracks: [tracks[0], { audio_url: 'ftp://x' }] })
  expect(wrong.json).toMatchObject({ code: 40000, data: null })
  expect(wrong.json.msg).toContain('tracks.1.audio_url')
})
