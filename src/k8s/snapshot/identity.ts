/** Identifies the owner of a snapshot. The digests use only what is known while the API server is away. */
import { createHash } from 'node:crypto'
import type { Credentials } from '../api/credentials.ts'
import type { ClusterConfig } from '../model/config.ts'

/**
 * A digest of the API server's URL and the CA that its certificate leads to: every pod's API server has an address like
 * 10.96.0.1, and clusters of one owner may share a CA. Rejects with ApiFailure.
 */
export async function clusterIdentity(credentials: Pick<Credentials, 'target'>): Promise<string> {
  const { url, tls } = await credentials.target()
  return digest([url.href, tls.ca?.toString() ?? ''])
}

/**
 * Compares UIDs of the Namespace kube-system: `''` means that the API server lacks it, as in a cluster that is just being
 * created. Undefined means unknown, and never counts as different.
 */
export function isOfAnother(written: string | undefined, current: string | undefined): boolean {
  return written !== undefined && current !== undefined && written !== current
}

/** A digest of what is read and kept of the cluster: with other options the file would lack objects. */
export function optionsIdentity(config: ClusterConfig): string {
  const { source, annotationPrefixes, ...kept } = config
  const sorted = Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1))
  return digest([JSON.stringify(sorted), ...[...annotationPrefixes].sort()])
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
