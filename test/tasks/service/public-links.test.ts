import { expect, test } from 'vitest'
import { meddle, newDatabase } from '../../support/database.js'
import { startTestGateway } from '../../support/gateway.js'
import { success } from '../../support/jogg.js'
import { SLACK_MS } from '../../support/manual-clock.js'

test('links to files of the gateway are absolute in every response with a task', async () => {
  const file = await newDatabase()
  await using gw = await startTestGateway({
    databaseUrl: `file:${file}`,
    publicUrl: 'https://public.example',
    auth: 'open',
  })
  gw.jogg.plays(success())
  const { id } = await gw.createLipSync()
  await gw.clock.advance(3_000 + SLACK_MS)
  for (const table of ['tasks', 'transitions'])
    meddle(file, database => database.exec(`UPDATE ${table} SET result_url = '/media/a.mp4' WHERE stage = 'success'`))
  const { tasks } = gw.gateway
  const list = await tasks.list()
  const followed = await (await tasks.follow(id)).next()
  const shown = [
    await tasks.get(id),
    list[0],
    (await tasks.getMany([id])).get(id),
    followed.value?.task,
    (await tasks.history(id)).at(-1)?.task,
  ]
  for (const task of shown) expect(task).toMatchObject({ result: { resultUrl: 'https://public.example/media/a.mp4' } })
})
