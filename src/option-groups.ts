import { z } from 'zod'
import type { OptionMeta } from './option-values.js'
import { optionsSchema } from './options.js'

/** One option of the schema, with its documentation. */
export interface Option extends OptionMeta {
  /** Its place in `GatewayOptions`, such as `['poll', 'firstMs']`. */
  readonly path: readonly string[]
  readonly field: z.core.$ZodType
  readonly variable: string | null
}

export interface OptionGroup {
  /** Null: the options at the top level. */
  readonly name: string | null
  readonly title: string
  readonly options: readonly Option[]
}

/** The options by group, in the order in which they are documented. */
export const OPTION_GROUPS: readonly OptionGroup[] = groupsOf(optionsSchema)
export const OPTIONS: readonly Option[] = OPTION_GROUPS.flatMap(({ options }) => options)

function groupsOf(schema: typeof optionsSchema): OptionGroup[] {
  const top: Option[] = []
  const groups: OptionGroup[] = []
  for (const [name, field] of Object.entries<z.ZodType>(schema.shape)) {
    const inner = field instanceof z.ZodPrefault ? field.unwrap() : field
    if (!(inner instanceof z.ZodObject)) top.push(describe([name], field, null))
    else {
      const { title, prefix } = field.meta() as { title: string; prefix: string }
      const options = Object.entries<z.ZodType>(inner.shape).map(([key, option]) =>
        describe([name, key], option, prefix),
      )
      groups.push({ name, title, options })
    }
  }
  return [{ name: null, title: 'Gateway', options: top }, ...groups]
}

function describe(path: readonly string[], field: z.ZodType, prefix: string | null): Option {
  const meta = field.meta() as unknown as OptionMeta
  const derived = [prefix, screamingSnakeCase(path.at(-1) ?? '')].filter(Boolean).join('_')
  return { ...meta, path, field, variable: meta.variable === undefined ? derived : meta.variable }
}

/** `firstMs` → `FIRST_MS` */
function screamingSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}
