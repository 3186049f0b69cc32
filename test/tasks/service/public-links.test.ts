import { expect, test } from 'vitest'
import { startTestGateway } from '../../support/gateway.js'
import { success } from '../../support/jogg.js'

test('links to files of the gateway are absolute wherever a task leaves it', async () => {
  await using gw = await startTestGateway({ publicUrl: 'https://public.example' })
  // A path is resolved against the upstream, so a file of the gateway itself is written into the store.
  gw.jogg.plays(success())
  const { id } = await gw.createLipSync()
  await gw.clock.advance(3_000)
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
  for (const task of shown) expect(task).toMatchObject({ stage: 'success' })
})
