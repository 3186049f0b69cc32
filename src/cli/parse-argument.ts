import { InvalidArgumentError } from 'commander'

/** Returns a parser of whole numbers from `from` to `to`. */
export function toWhole(from: number, to: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= from && value <= to) return value
    throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`)
  }
}
