import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Peer } from './contestants.js'

const FOLDER = fileURLToPath(new URL('peers', import.meta.url))

export const BARE: Peer = { name: 'bare node:http + ws', script: 'bare.mjs' }
export const MERCURIUS: Peer = { name: 'Mercurius + JIT', script: 'mercurius.mjs' }

export const PEERS: readonly Peer[] = [
  BARE,
  MERCURIUS,
  { name: 'Apollo Server + graphql-ws', script: 'apollo.mjs' },
  { name: 'Yoga + graphql-ws', script: 'yoga.mjs' },
]

/** Installs the packages of the peers into their own folder, unless they are there. */
export function installPeers(): void {
  if (existsSync(`${FOLDER}/node_modules/.package-lock.json`)) return
  console.error('Installing the peers into bench/peers/node_modules …')
  execFileSync('npm', ['ci', '--prefix', FOLDER, '--no-audit', '--no-fund'], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** The installed versions of the packages that the peers name. */
export function peerVersions(): string[] {
  const { dependencies } = readJson(`${FOLDER}/package.json`) as { dependencies: Record<string, string> }
  return Object.keys(dependencies).map(name => {
    const { version } = readJson(`${FOLDER}/node_modules/${name}/package.json`) as { version: string }
    return `${name} ${version}`
  })
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
