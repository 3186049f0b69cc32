import { compare, compareStarts, MEASURES, merge } from './compare.js'
import { createGateway, createPeer } from './contestants.js'
import { installPeers, PEERS } from './install-peers.js'
import { markdown, runInfo, TABLES } from './report.js'
import { type Output, publish, SIZES, withFolder } from './run.js'

/** Compares the gateway, which writes durably, with servers that do the same work and do not. */
export async function comparePeers(output: Output): Promise<void> {
  installPeers()
  const info = runInfo(true)
  await withFolder(async folder => {
    using gateway = await createGateway({ name: 'gateway' }, folder)
    const contestants = [...PEERS.map(peer => createPeer(peer, folder)), gateway]
    const [sizes, rounds] = output.quick ? [SIZES.quick, 1] : [SIZES.full, output.rounds]
    const results = merge(
      await compareStarts(contestants, sizes, rounds),
      await compare(contestants, MEASURES, sizes, rounds),
    )
    publish(output, 'bench', { ...info, results }, markdown(info, results, TABLES))
  })
}
