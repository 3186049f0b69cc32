import { expect, test } from 'vitest'
import { AUDIO } from '../support/gateway.js'
import type { Scene } from '../support/jogg.js'
import { history } from '../support/task-calls.js'
import { put, sampleAudio, sampleVideo, startUploadGateway, type UploadGateway } from '../support/uploads.js'

/** Accepts the job, and resets the connection instead of an answer. */
const lostAnswer = ({ honest, reset }: Scene): void => {
  honest()
  reset()
}

const calls = ({ jogg }: UploadGateway) => jogg.requests.filter(({ call }) => call !== 'status').map(({ call }) => call)

test('files are copied to an upstream that cannot reach the gateway, once for each content', async () => {
  await using gw = await startUploadGateway()
  const [videoUrl, audioUrl] = [
    await gw.upload(await sampleVideo(), 'a.mp4'),
    await gw.upload(await sampleAudio(), 'a.m4a'),
  ]
  const first = await gw.createLipSync({ videoUrl, audioUrl })
  await gw.clock.advance(10)
  expect(calls(gw)).toEqual(['asset', 'put', 'asset', 'put', 'submit'])
  const submitted = gw.jogg.requests.find(({ call }) => call === 'submit')?.inputs
  expect(submitted?.videoUrl).toMatch(/^https:\/\/res\.jogg\.example\/.*video\.mp4$/)
  expect(submitted?.audioUrl).toMatch(/^https:\/\/res\.jogg\.example\/.*audio\.m4a$/)
  expect(gw.jogg.requests.filter(({ call }) => call === 'put').map(({ file }) => file?.file_size)).toEqual([
    (await sampleVideo()).length,
    (await sampleAudio()).length,
  ])
  expect(await history(gw, first.id)).toContainEqual({ stage: 'SUBMITTING', reason: 'uploaded files: copied to jogg' })

  const again = await gw.upload(await sampleVideo(), 'again.mp4')
  await gw.createLipSync({ videoUrl: again, audioUrl: AUDIO })
  await gw.clock.advance(10)
  expect(calls(gw)).toEqual(['asset', 'put', 'asset', 'put', 'submit', 'submit'])
})

test('behind a public URL the link of the gateway itself is submitted', async () => {
  await using gw = await startUploadGateway({ publicUrl: 'https://gw.example', auth: 'open' })
  const upload = await gw.createUpload({ filename: 'a.mp4' })
  await put({ ...upload, url: upload.url.replace('https://gw.example', gw.url) }, await sampleVideo())
  const task = await gw.createLipSync({ videoUrl: upload.assetUrl })
  await gw.clock.advance(10)
  expect(calls(gw)).toEqual(['submit'])
  expect(gw.jogg.requests[0]?.inputs.videoUrl).toBe(upload.assetUrl)
  expect(await history(gw, task.id)).toContainEqual({
    stage: 'SUBMITTING',
    reason: "uploaded files: by the gateway's own link",
  })
})

test('copies and submits share the rate limit of the upstream', async () => {
  await using gw = await startUploadGateway({ submits: { perMinute: 3 } })
  const videoUrl = await gw.upload(await sampleVideo(), 'a.mp4')
  for (let i = 0; i < 5; i++) await gw.createLipSync({ videoUrl, audioUrl: `${AUDIO}?${i}` })
  await gw.clock.advance(10)
  expect(calls(gw).filter(call => call !== 'put')).toEqual(['asset', 'submit', 'submit'])
  await gw.clock.advance(61_000)
  expect(calls(gw).filter(call => call !== 'put')).toEqual(['asset', ...Array(5).fill('submit')])
})

test('a copy that fails holds up only its own caller, and is made again', async () => {
  await using gw = await startUploadGateway()
  const [mine, other] = [await gw.createKey('me'), await gw.createKey('other')]
  const videoUrl = await gw.upload(await sampleVideo(), 'a.mp4', mine.headers)
  gw.jogg.plays({ on: 'put', play: ({ reset }) => reset() })
  const createWith = (headers: Record<string, string>, input: object) =>
    gw.graphql(
      'mutation ($input: CreateLipSyncInput!) { createLipSync(input: $input) { task { id } } }',
      { input },
      headers,
    )
  await createWith(mine.headers, { videoUrl, audioUrl: AUDIO })
  await createWith(other.headers, { videoUrl: 'https://media.example/other.mp4', audioUrl: AUDIO })
  await gw.clock.advance(10)
  expect(calls(gw)).toEqual(expect.arrayContaining(['asset', 'put', 'submit']))
  expect(calls(gw).filter(call => call === 'submit')).toHaveLength(1)
  await gw.clock.advance(5_000)
  expect(calls(gw).filter(call => call === 'submit')).toHaveLength(2)
})

test('a look-up after a lost answer names the links that were submitted', async () => {
  await using gw = await startUploadGateway()
  const videoUrl = await gw.upload(await sampleVideo(), 'a.mp4')
  gw.jogg.plays({ on: 'submit', play: lostAnswer })
  const task = await gw.createLipSync({ videoUrl })
  await gw.clock.advance(60_000)
  const [submit, find] = ['submit', 'find'].map(call => gw.jogg.requests.find(request => request.call === call))
  expect(find?.inputs).toEqual(submit?.inputs)
  expect(gw.jogg.jobs.accepted()).toHaveLength(1)
  expect((await gw.task(task.id))?.stage).not.toBe('UNKNOWN')
})

test('a file that the upstream refuses fails its task', async () => {
  await using gw = await startUploadGateway()
  const videoUrl = await gw.upload(await sampleVideo(), 'a.mp4')
  const refusal = { body: { code: 40000, msg: 'File format not supported', data: null } }
  gw.jogg.plays({ on: 'asset', play: ({ send }) => send(refusal) })
  const task = await gw.createLipSync({ videoUrl })
  await gw.clock.advance(10)
  expect(await gw.task(task.id)).toMatchObject({
    stage: 'FAILED',
    failure: { code: 'UPSTREAM_REJECTED', message: 'File format not supported' },
  })
  expect(gw.jogg.jobs.accepted()).toHaveLength(0)
})
