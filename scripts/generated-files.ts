import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { defaultOf } from '../src/cli/variables.js'
import { innermost } from '../src/config.js'
import { ERROR_CODES } from '../src/errors.js'
import { OPTION_GROUPS, type Option, type OptionGroup } from '../src/option-groups.js'

/** The generated files by their path in the repository. A test holds them against the schema. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['src/gateway-options.ts', optionsType()],
    ['docs/configuration.md', configurationPage()],
    ['docs/api.md', withErrorTable(readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8'))],
  ])
}

function optionsType(): string {
  const [top, ...groups] = OPTION_GROUPS
  return `// Generated from options.ts by \`npm run docs\`. Do not edit.
import type { Upstream } from './tasks/driver/upstream.js'

/**
 * The options of \`createGateway\`. The command line reads most of them from environment variables, which
 * docs/configuration.md lists.
 */
export interface GatewayOptions {
${(top?.options ?? []).map(option => property(option, '  ')).join('\n')}
${groups.map(groupProperty).join('\n')}
}
`
}

function groupProperty({ name, title, options }: OptionGroup): string {
  const properties = options.map(option => property(option, '        ')).join('\n')
  return `  /** ${title}. */\n  ${name}?:\n    | {\n${properties}\n      }\n    | undefined`
}

function property(option: Option, indent: string): string {
  const { path, description } = option
  const isNullable = path.at(-1) && acceptsNull(option.field)
  const comment = wrap(`${description} @default ${defaultOf(option)}`, 112 - indent.length)
  const docs =
    comment.length === 1
      ? `${indent}/** ${comment[0]} */`
      : [`${indent}/**`, ...comment.map(line => `${indent} * ${line}`), `${indent} */`].join('\n')
  return `${docs}\n${indent}${path.at(-1)}?: ${option.type ?? typeOf(innermost(option.field))}${isNullable ? ' | null' : ''} | undefined`
}

function acceptsNull(field: z.core.$ZodType): boolean {
  return z.safeParse(field, null).success
}

function typeOf(type: z.core.$ZodType): string {
  if (type instanceof z.ZodBoolean) return 'boolean'
  if (type instanceof z.ZodNumber) return 'number'
  if (type instanceof z.ZodString) return 'string'
  if (type instanceof z.ZodEnum) return type.options.map(value => `'${value}'`).join(' | ')
  if (type instanceof z.ZodArray) return `readonly ${typeOf(type.element)}[]`
  throw new Error('An option of this type needs `type` in its documentation.')
}

function configurationPage(): string {
  return `<!-- Generated from src/options.ts by \`npm run docs\`. Do not edit. -->
# Configuration

\`lipsync-gateway serve\` reads its configuration from environment variables. \`createGateway\` takes the same options as an
object, by the names in the second column, and reads no environment variable.

- A variable that is empty counts as unset. Lists are separated by commas.
- All mistakes are reported at once, by the name of the variable and without its value; the exit code is then 2.
- A variable that is not listed here but begins like one (\`JOGG_\`, \`POLL_\`, …) is reported with the nearest name, as a
  warning. An unknown \`JOGG_\` variable stops a gateway that is reachable from other machines.
- \`serve --host\`, \`--port\` and \`--restored\` override the variables.
- No \`.env\` file is read. Node can: \`node --env-file=.env dist/cli.js serve\`.
${OPTION_GROUPS.map(section).join('')}`
}

/** The page with the table of errors between its markers. */
function withErrorTable(page: string): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { status, message }]) => `| \`${code}\` | ${status} | ${cell(message)} |`,
  )
  const table = `| Code | HTTP status | Meaning and remedy |\n| --- | --- | --- |\n${rows.join('\n')}`
  return page.replace(/(<!-- errors: .*? -->\n)[\s\S]*?(<!-- \/errors -->)/, `$1\n${table}\n\n$2`)
}

function section({ title, options }: OptionGroup): string {
  const rows = options.map(option => {
    const variable = option.variable ? `\`${option.variable}\`` : '–'
    return `| ${variable} | \`${option.path.join('.')}\` | ${cell(option.description)} | ${cell(defaultOf(option))} |`
  })
  return `\n## ${title}\n\n| Variable | Option | Meaning | Default |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines
}
