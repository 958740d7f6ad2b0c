/** TTLs while answers come from a snapshot, whose contents may have changed or gone since. */
import type { ClusterView } from '../../../k8s/model/types.ts'
import type { ClusterDnsSettings } from '../../settings.ts'

/** Seconds: the TTL that clusters have by default, so nobody asks more often than they do anyway. */
export const maxSnapshotTtl = 5

export function limitedTtl({ restored }: Pick<ClusterView, 'restored'>, seconds: number): number {
  return restored ? Math.min(seconds, maxSnapshotTtl) : seconds
}

/** The settings with their TTLs limited: themselves where nothing is restored. */
export function limitedSettings(settings: ClusterDnsSettings, view: Pick<ClusterView, 'restored'>): ClusterDnsSettings {
  if (!view.restored) return settings
  const { ttl, ttlHeadless, adaptiveTtl } = settings
  const limit = (seconds: number): number => limitedTtl(view, seconds)
  return {
    ...settings,
    ttl: limit(ttl),
    ttlHeadless: ttlHeadless === undefined ? undefined : limit(ttlHeadless),
    adaptiveTtl: adaptiveTtl && { ...adaptiveTtl, min: limit(adaptiveTtl.min), max: limit(adaptiveTtl.max) },
  }
}
