/** What the specifications of splits share: a Service that is one, and releases that it can be over. */
import { soa } from './cases.ts'

export const name = (left: string): string => `${left}.svc.cluster.local.`
export const a = (owner: string, address: string, ttl = 5): string => `${name(owner)} ${ttl} IN A ${address}`
export const aaaa = (owner: string, address: string): string => `${name(owner)} 5 IN AAAA ${address}`
export const split = (value: string): string => `annotate service web shop slicedns.io/split ${value}`
export const missing = { rcode: 'NXDOMAIN', authority: [soa()] }
export const ask = `${name('web.shop')} A`

/** A stable release with a ClusterIP, a canary without. */
export const releases = `service web shop 10.0.0.1
                  endpoint web shop 10.1.0.1 ready
                  service stable shop 10.0.0.2
                  endpoint stable shop 10.1.0.2 ready
                  service canary shop headless
                  endpoint canary shop 10.1.0.3 ready
                  endpoint canary shop 10.1.0.4 ready`
