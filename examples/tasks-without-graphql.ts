// The tasks from TypeScript, without GraphQL and without a server.
import { createGateway } from 'lipsync-gateway'

await using gateway = await createGateway({
  jogg: { apiKey: process.env.JOGG_API_KEY, baseUrl: process.env.JOGG_BASE_URL },
  logLevel: 'silent',
})
await gateway.start()

const task = await gateway.tasks.create({
  videoUrl: 'https://media.example.com/presenter.mp4',
  audioUrl: 'https://media.example.com/speech.mp3',
  reference: 'order 7',
  idempotencyKey: 'order-7',
})
for await (const { task: step } of await gateway.tasks.follow(task.id)) {
  console.log(step.stage)
  if (step.stage === 'success') console.log(step.result.resultUrl)
  if (step.stage === 'failed') console.log(step.failure.message)
}
const orders = await gateway.tasks.list({ reference: 'order 7' })
console.log(orders.length, (await gateway.tasks.get(task.id))?.stage)
