import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIO, type SeenTask, startTestGateway, VIDEO } from '../support/gateway.js'
import { accepted, code, failed, success } from '../support/jogg.js'

type TestGateway = Awaited<ReturnType<typeof startTestGateway>>

const page = async (gw: TestGateway, args: string) => {
  const query = `{ lipSyncTasks(${args}) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { reference } } } }`
  const { data, errors } = await gw.graphql(query)
  if (errors) return { errors }
  const { edges, pageInfo } = data.lipSyncTasks
  return {
    seen: edges.map((edge: { node: SeenTask }) => edge.node.reference).join(''),
    more: [pageInfo.hasPreviousPage, pageInfo.hasNextPage],
    start: pageInfo.startCursor,
    end: pageInfo.endCursor,
  }
}

test('a task is what was asked for, and is found again', async () => {
  await using gw = await startTestGateway()
  const { data } = await gw.graphql(
    `mutation ($input: CreateLipSyncInput!) {
      createLipSync(input: $input) { id status stage videoUrl audioUrl playbackType reference createdAt submittedAt cursor }
    }`,
    { input: { videoUrl: VIDEO, audioUrl: AUDIO, playbackType: 'NORMAL_REVERSE', reference: 'ÄÖ 7' } },
  )
  expect(data.createLipSync).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
    status: 'PENDING',
    stage: 'QUEUED',
    videoUrl: VIDEO,
    audioUrl: AUDIO,
    playbackType: 'NORMAL_REVERSE',
    reference: 'ÄÖ 7',
    createdAt: '2025-01-01T00:00:00.000Z',
    submittedAt: null,
    cursor: '1',
  })
  expect(await gw.task(data.createLipSync.id)).toMatchObject({ reference: 'ÄÖ 7' })
})

test('a link stays letter by letter what it was, because signed links do not survive rewriting', async () => {
  await using gw = await startTestGateway()
  const videoUrl = 'HTTPS://Media.Example:443/a/../b%2fc.mp4?sig=A+b%20&x#t'
  await gw.createLipSync({ videoUrl })
  await gw.clock.advance(0)
  expect(gw.jogg.calls('submit')[0]?.inputs).toMatchObject({ videoUrl })
})

test('an unknown id is no task, whatever it looks like', async () => {
  await using gw = await startTestGateway()
  for (const id of ['0190e4a2-0000-7000-8000-000000000000', '', "' OR 1=1 --", '1'.repeat(10_000)])
    expect(await gw.task(id)).toBeNull()
})

test('an estimate counts as JoggAI does', async () => {
  await using gw = await startTestGateway()
  const estimate = async (seconds: string) => {
    const { data, errors } = await gw.graphql(
      `{ lipSyncEstimate(durationSeconds: ${seconds}) { durationSeconds credits } }`,
    )
    return errors?.map(error => error.extensions) ?? data.lipSyncEstimate
  }
  expect(await estimate('137.5')).toEqual({ durationSeconds: 137.5, credits: 1.1 })
  expect(await estimate('8.75')).toEqual({ durationSeconds: 8.75, credits: 0.07 })
  expect(await estimate('0')).toEqual({ durationSeconds: 0, credits: 0 })
  for (const wrong of ['-1', '3600001', '1e300'])
    expect(await estimate(wrong)).toEqual([{ code: 'BAD_USER_INPUT', field: 'durationSeconds' }])
})

describe('the list', () => {
  let gw: TestGateway
  beforeAll(async () => {
    gw = await startTestGateway()
    // The lane stands still behind the last task, so that each stays what it is.
    gw.jogg.plays(accepted('1'), success(), accepted('2'), failed('no face'), code('submit', 18020, 'no credit'))
    for (const reference of ['A', 'B']) {
      await gw.createLipSync({ reference })
      await gw.clock.advance(3_000)
    }
    for (const reference of 'CDEFA') await gw.createLipSync({ reference })
  })
  afterAll(() => gw[Symbol.asyncDispose]())

  test('shows the newest first', async () => {
    expect(await page(gw, 'first: 100')).toMatchObject({ seen: 'AFEDCBA', more: [false, false] })
    expect(await page(gw, 'status: []')).toMatchObject({ seen: 'AFEDCBA' })
  })

  test('goes forward and backward, and every page knows its neighbours', async () => {
    const one = await page(gw, 'first: 3')
    expect(one).toMatchObject({ seen: 'AFE', more: [false, true] })
    const two = await page(gw, `first: 3, after: "${one.end}"`)
    expect(two).toMatchObject({ seen: 'DCB', more: [true, true] })
    const three = await page(gw, `first: 3, after: "${two.end}"`)
    expect(three).toMatchObject({ seen: 'A', more: [true, false] })
    const back = await page(gw, `last: 3, before: "${three.start}"`)
    expect(back).toMatchObject({ seen: 'DCB', more: [true, true] })
    expect(await page(gw, `last: 5, before: "${back.start}"`)).toMatchObject({ seen: 'AFE', more: [false, true] })
    expect(await page(gw, 'last: 2')).toMatchObject({ seen: 'BA', more: [true, false] })
    expect(await page(gw, `first: 100, after: "${one.end}", before: "${three.start}"`)).toMatchObject({ seen: 'DCB' })
  })

  test('is filtered by status and reference', async () => {
    expect(await page(gw, 'status: SUCCESS')).toMatchObject({ seen: 'A' })
    expect(await page(gw, 'status: [SUCCESS, FAILED]')).toMatchObject({ seen: 'BA' })
    expect(await page(gw, 'status: [FAILED, PENDING, FAILED], first: 2')).toMatchObject({
      seen: 'AF',
      more: [false, true],
    })
    expect(await page(gw, 'reference: "A"')).toMatchObject({ seen: 'AA' })
    expect(await page(gw, 'reference: "A", status: PENDING')).toMatchObject({ seen: 'A' })
    expect(await page(gw, 'reference: "nobody"')).toMatchObject({ seen: '', start: null, end: null })
  })

  test('refuses a page that is none', async () => {
    const wrong = {
      'first: 101': 'first',
      'first: -1': 'first',
      'last: 101': 'last',
      'last: -1': 'last',
      'first: 1, last: 1': 'last',
      'after: "x"': 'after',
      'after: ""': 'after',
      'before: "1"': 'before',
      'before: "0190e4a2-0000-7000-8000-00000000000g"': 'before',
    }
    for (const [args, field] of Object.entries(wrong)) {
      const { errors } = await page(gw, args)
      expect(
        errors?.map(error => error.extensions),
        args,
      ).toEqual([{ code: 'BAD_USER_INPUT', field }])
      expect(errors?.[0]?.message).toContain(field)
    }
    expect(await page(gw, 'first: 0')).toMatchObject({ seen: '' })
  })
})
