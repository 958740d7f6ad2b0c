/** Where things are in the two networks: the node that the server runs on, and everything else. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The Corefiles of other projects. They are not part of this repository: whoever has them names their folder. */
export const corefiles = process.env.SLICEDNS_COREFILES ?? join(import.meta.dirname, '../../../shared/corefiles')
export const haveCorefiles = existsSync(corefiles)

/** The node's own address, and that of the world as the node sees it. */
export const node = '10.200.0.2'
export const world = '10.200.0.1'
/** IPv6 of both. */
export const node6 = 'fd00:200::2'
export const world6 = 'fd00:200::1'

/** Addresses that the node has because a `bind` names them. */
export const bound = [
  '169.254.10.10',
  '169.254.10.11',
  '169.254.20.10',
  '169.254.25.10',
  '10.4.0.10',
  '10.43.0.10',
  '10.96.0.10',
]

/** The ClusterIP of the API server, and the port that its test double listens on. */
export const apiServer = '10.96.0.1'

/** Certificates of the upstreams: every name that a `tls_servername` asks for. */
export const upstreamNames = ['dns.quad9.net', 'cloudflare-dns.com', 'dns.foo.com', 'dns.bar.com']

/** Upstreams on the node itself. */
export const localUpstreams = ['127.0.0.1:8600', '127.0.0.1:5354']

/** The folder whose `current` is the Corefile that runs, with its imports beside it. */
export const folder = '/run/corefiles'
export const running = `${folder}/current/Corefile`
