import { clusterKey } from '../../k8s/open.ts'
import type { KubernetesSettings } from './settings.ts'

/** Only blocks that read the same resources of the same cluster can share a snapshot file. */
export function snapshotConflict(settings: KubernetesSettings, earlier: KubernetesSettings): string | undefined {
  const file = settings.snapshot?.file
  if (file === undefined || earlier.snapshot?.file !== file) return undefined
  const identity = ({ cluster, source, snapshot }: KubernetesSettings) =>
    JSON.stringify([clusterKey({ ...cluster, source }), snapshot])
  return identity(settings) === identity(earlier)
    ? undefined
    : `snapshot ${file} is already used by an earlier server block with another cluster or other kubernetes options: use another file`
}
