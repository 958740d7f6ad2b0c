import type { Attack } from './arena.ts'
import { question } from './messages.ts'
import { seconds, udpFlood } from './traffic.ts'

export const upstreamAttacks: readonly Attack[] = [
  {
    finding: 10,
    title: '60 answers of 61 KB made of chains of compression pointers, of an upstream asked over TCP',
    async run({ ports }) {
      await udpFlood(ports.dns, { perSecond: 30, count: 60 }, (i) =>
        question(`p${i}.pointers.stream.test`, 'A', { id: i }),
      )
      await seconds(2)
    },
  },
]
