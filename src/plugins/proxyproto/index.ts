import type { Network } from '../../corefile/address.ts'
import { inPrefix, parseAddress } from '../../dns/address.ts'
import { metadataSource } from '../../plugin/capabilities/metadata.ts'
import { type ProxyPolicy, proxyProtocol } from '../../plugin/capabilities/proxy-protocol.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { type ProxySettings, schema } from './settings.ts'

/** Bound on the UDP sessions of a listener, as in CoreDNS. One takes about 300 octets. */
const maxSessions = 10_240

/** Takes the client's address from the PROXY headers of load balancers. The transports read them. */
export const proxyproto: Plugin<ProxySettings> = {
  name: 'proxyproto',
  schema,
  setup(settings, { metrics }) {
    const dropped = metrics.counter(
      'slicedns_proxyproto_dropped_total',
      'Datagrams and connections dropped because of their PROXY header: it is invalid, or the peer may not send one.',
      ['reason'],
    )
    const evicted = metrics.counter(
      'slicedns_proxyproto_evicted_sessions_total',
      'UDP sessions forgotten before their time because there were more than max_sessions.',
      [],
    )
    const { lifetime = 0, most = maxSessions } = settings.sessions
    const reading = provide(proxyProtocol, {
      policyFor: policyOf(settings),
      sessions: { lifetime: Math.max(0, lifetime), most },
      tlvs: settings.tlvs,
      counts: {
        invalid: dropped.with('invalid'),
        rejected: dropped.with('rejected'),
        evictedSessions: evicted.with(),
      },
    })
    if (!settings.tlvs) return { provides: [reading] }
    return {
      handler: (query, next) => next(query),
      provides: [
        reading,
        provide(metadataSource, {
          valueOf: ({ client: { proxyTlvs } }, label) =>
            label === 'proxyproto/tlv' && proxyTlvs !== undefined ? Buffer.from(proxyTlvs).toString('hex') : undefined,
        }),
      ],
    }
  },
}

function policyOf({ allow, default: policy }: ProxySettings): (peer: string) => ProxyPolicy {
  if (allow.length === 0) return () => policy ?? 'use'
  return (peer) => {
    const address = parseAddress(peer)
    if (address === undefined) return 'reject'
    return allow.some((network) => contains(network, address)) ? 'use' : (policy ?? 'ignore')
  }
}

const contains = ({ bytes, length }: Network, address: Uint8Array): boolean =>
  inPrefix({ address: bytes, bits: length }, address)
