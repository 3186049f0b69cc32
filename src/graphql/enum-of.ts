import { builder } from './builder.js'

/** Defines an enum from a table of values and their meanings. The names are the values in upper case. */
export function enumOf<Value extends string>(
  name: string,
  description: string,
  meanings: Readonly<Record<Value, string>>,
) {
  const entries = Object.entries<string>(meanings)
  const values = Object.fromEntries(
    entries.map(([value, meaning]) => [value.toUpperCase(), { value, description: meaning }]),
  )
  return builder.enumType(name, {
    description,
    values: values as Record<Uppercase<Value>, { value: Value; description: string }>,
  })
}
