import { z } from 'zod'
import { OPTIONS, type Option } from '../option-groups.js'

/** An environment variable as the help shows it. */
export interface Variable {
  readonly name: string
  readonly description: string
}

/** The environment variables with their meaning and default, as plain text. */
export function listVariables(): Variable[] {
  return OPTIONS.flatMap(option =>
    option.variable === null
      ? []
      : [
          {
            name: option.variable,
            description: `${option.description} Default: ${defaultOf(option)}.`.replaceAll('`', ''),
          },
        ],
  )
}

/** The default of an option in Markdown: in words where the option says so, else its value. */
export function defaultOf({ field, defaultText }: Option): string {
  if (defaultText) return defaultText
  const value = z.parse(field, undefined)
  const isEmpty = value === null || (Array.isArray(value) && value.length === 0)
  return isEmpty ? 'none' : `\`${String(value)}\``
}
