import { builder } from './builder.js'

/** Ids are plain: unique over all types, so that a client finds in its logs what it sends. */
export const Node = builder.interfaceRef<{ readonly id: string }>('Node').implement({
  description: 'An object with an id that is unique over all types.',
  fields: t => ({ id: t.exposeID('id', { description: 'The id.' }) }),
})
