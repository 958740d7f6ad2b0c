/** The same packets to the real CoreDNS and to the built server, with one Corefile over one cluster. */
import { join } from 'node:path'
import { peer } from '../../support/peers.ts'
import { openFloodArena } from './arena.ts'
import { type Compared, compareRecordings, readRecording } from './compare.ts'
import { dropsOf } from './watch.ts'

/** CoreDNS must be there. */
export async function compareWithCoreDns(seed: number, packets: number): Promise<Compared> {
  const arena = await openFloodArena({ protobuf: false, secure: false })
  const record = async (name: string, command?: readonly string[]) => {
    const file = join(arena.folder, name)
    const server = await arena.start(command && { command })
    try {
      const said: string[] = []
      const flood = arena.program.start(['udp', server.ports.dns, seed, 0, packets, 0, file], (line) => said.push(line))
      const code = await flood.ended
      // 1: some have no reply. Whether the other server has the same silence is what is compared.
      if (code !== 0 && code !== 1) throw new Error(`the flood ended with ${code}:\n${said.join('\n')}`)
      return { exchanges: readRecording(file), drops: dropsOf(server) }
    } finally {
      await server.stop('SIGKILL')
    }
  }
  try {
    const ours = await record('ours')
    const theirs = await record('theirs', [peer('coredns')!])
    return compareRecordings(ours.exchanges, theirs.exchanges, theirs.drops)
  } finally {
    await arena.close()
  }
}
