import { openTestStore } from '../support/database.js'
import { describePostgres, newPostgres } from '../support/postgres/database.js'
import { describeStore } from '../support/store-contract.js'

describePostgres('Postgres', () => {
  describeStore('Postgres', async () => (await openTestStore(await newPostgres())).tasks)
})
