/** What goes wrong with an upstream, over UDP and over TCP. */
import { replyTo } from '../../src/dns/reply.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import { type Script, silent } from '../support/upstream.ts'
import type { TestFault } from './faults.ts'

/** Always the same of the two upstreams: it may count as down for a while after its fault. */
const oneUpstream = (name: string, scriptOf: (good: Script) => Script): TestFault => ({
  name,
  of: 'upstream',
  begin({ upstreams: [upstream] }) {
    const good = upstream.script
    upstream.script = scriptOf(good)
    return () => {
      upstream.script = good
    }
  },
})

/** Over UDP it answers that the client must come by TCP, and then does this. */
const truncating =
  (byTcp: Script): Script =>
  (arrived) =>
    arrived.via === 'tcp' ? byTcp(arrived) : arrived.reply({}, { truncated: true })

/** Milliseconds between two octets: a reply takes longer than anybody waits for it. */
const dripEvery = 250

const whole = { limit: 512 }

export const upstreamFaults: readonly TestFault[] = [
  oneUpstream('an upstream is silent', () => silent),
  oneUpstream(
    'an upstream answers SERVFAIL',
    () =>
      ({ reply }) =>
        reply({ rcode: 2 }),
  ),
  oneUpstream(
    'an upstream sends garbage',
    () =>
      ({ send }) =>
        send(Buffer.from('not a message at all')),
  ),
  oneUpstream(
    'an upstream answers with another ID',
    () =>
      ({ reply }) =>
        reply({}, { id: 4711 }),
  ),
  oneUpstream(
    'an upstream repeats the question for an answer',
    () =>
      ({ query, send }) =>
        send(encodeMessage(query, whole)),
  ),
  oneUpstream(
    'an upstream sends half a reply',
    () =>
      ({ query, send }) =>
        send(encodeMessage(replyTo(query), whole).subarray(0, 14)),
  ),
  oneUpstream('an upstream truncates, and answers over TCP', truncating),
  oneUpstream('an upstream truncates, and ends TCP connections', () => truncating(({ hangUp }) => hangUp())),
  oneUpstream('an upstream truncates, and is silent over TCP', () => truncating(silent)),
  oneUpstream('an upstream truncates, and sends garbage over TCP', () =>
    truncating(({ sendRaw }) => sendRaw(Buffer.from('HTTP/1.1 400\r\n\r\n'))),
  ),
  oneUpstream('an upstream truncates, and sends an octet now and then over TCP', () =>
    truncating(({ sendRaw }) => {
      const timer = setInterval(() => sendRaw(Buffer.of(1)), dripEvery)
      setTimeout(() => clearInterval(timer), 40 * dripEvery)
    }),
  ),
]
