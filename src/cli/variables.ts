import { readFileSync } from 'node:fs'
import { toVariable } from '../config.js'

/** An environment variable as the help and the README show it. */
export interface Variable {
  readonly name: string
  readonly meaning: string
  /** As one would write it in the environment, or in words. */
  readonly default: string
}

/**
 * The variables, out of the comments in `options.ts`. Those comments are what an embedding app's editor shows, so they
 * are the one place where options are explained; compiled, they stand in the type declarations.
 */
export const readVariables = (): Variable[] => {
  const file = import.meta.url.endsWith('.ts') ? '../options.ts' : '../options.d.ts'
  const source = readFileSync(new URL(file, import.meta.url), 'utf8')
  const options = source.matchAll(/\/\*\* (?<meaning>.+?) @default (?<value>.+?) \*\/\s+(?<option>\w+)\?:/g)
  return [...options].map(({ groups }) => {
    const { option = '', meaning = '', value = '' } = groups ?? {}
    return { name: toVariable(option), meaning, default: plain(value) }
  })
}

/** `4_000` → 4000, `'127.0.0.1'` → 127.0.0.1 */
const plain = (value: string): string =>
  /^'[^']*'$/.test(value) ? value.slice(1, -1) : /^[\d_]+$/.test(value) ? value.replaceAll('_', '') : value

/** The variables as a block of text, `width` characters wide. */
export const describeVariables = (width: number): string => {
  const variables = readVariables()
  const indent = Math.max(...variables.map(({ name }) => name.length)) + 4
  return variables
    .map(({ name, meaning, default: value }) => {
      const lines = wrap(`${meaning.replaceAll('`', '')} Default: ${value.replaceAll('`', '')}`, width - indent)
      return `  ${name.padEnd(indent - 2)}${lines.join(`\n${' '.repeat(indent)}`)}`
    })
    .join('\n')
}

const wrap = (text: string, width: number): string[] => {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line ? `${line} ${word}` : word
  }
  return lines
}
