import type { Contestant, Running } from './contestants.js'
import type { Figures } from './load.js'
import { create } from './measures/create.js'
import { idle } from './measures/idle.js'
import { list } from './measures/list.js'
import type { Measure, Sizes, StartMeasure } from './measures/measure.js'
import { push } from './measures/push.js'
import { read } from './measures/read.js'
import { start } from './measures/start.js'
import { storm } from './measures/storm.js'
import { median } from './statistics.js'

/** The figures of each contestant and measure: medians of the rounds. */
export type Results = Record<string, Record<string, Figures>>

export const START_MEASURES: readonly StartMeasure[] = [start, idle]
export const MEASURES: readonly Measure[] = [read, list, create, storm, push]

/**
 * Measures the contestants in turns: in each round one after the other, each in a process of its own, so that what else
 * the machine does meets all of them. The first round is for warming up.
 */
export async function compare(
  contestants: readonly Contestant[],
  measures: readonly Measure[],
  sizes: Sizes,
  rounds: number,
): Promise<Results> {
  const results: Results = {}
  const running: [string, Running][] = []
  try {
    for (const contestant of contestants) running.push([contestant.name, await contestant.run()])
    for (const measure of measures)
      await repeat(running, measure.name, rounds, results, server => measure.run(server, sizes))
  } finally {
    for (const [, server] of running) await server[Symbol.asyncDispose]()
  }
  return results
}

/** The same for what needs a process that was just started. */
export async function compareStarts(
  contestants: readonly Contestant[],
  sizes: Sizes,
  rounds: number,
): Promise<Results> {
  const results: Results = {}
  const named = contestants.map(contestant => [contestant.name, contestant] as const)
  for (const measure of START_MEASURES)
    await repeat(named, measure.name, measure.once ? 0 : rounds, results, contestant => measure.run(contestant, sizes))
  return results
}

export function merge(...all: readonly Results[]): Results {
  const merged: Results = {}
  for (const results of all)
    for (const [name, measures] of Object.entries(results)) merged[name] = { ...merged[name], ...measures }
  return merged
}

/** Without rounds, the one that warms up counts. */
async function repeat<Subject>(
  subjects: readonly (readonly [string, Subject])[],
  measure: string,
  rounds: number,
  results: Results,
  run: (subject: Subject) => Promise<Figures>,
): Promise<void> {
  const all = new Map<string, Figures[]>()
  for (let round = 0; round <= rounds; round++) {
    for (const [name, subject] of subjects) {
      const figures = await run(subject)
      console.error(`${measure}, round ${round} of ${rounds}, ${name}: ${describe(figures)}`)
      if (round > 0 || rounds === 0) all.set(name, [...(all.get(name) ?? []), figures])
    }
  }
  for (const [name, figures] of all) results[name] = { ...results[name], [measure]: medians(figures) }
}

function medians(rounds: readonly Figures[]): Figures {
  const names = Object.keys(rounds[0] ?? {})
  return Object.fromEntries(names.map(name => [name, median(rounds.map(figures => figures[name] ?? Number.NaN))]))
}

function describe(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, figure]) => `${name} ${figure.toFixed(figure < 10 ? 2 : 0)}`)
    .join(', ')
}
