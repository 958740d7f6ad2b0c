/** The names that a pod's resolver derives from a short one (resolv.conf(5)). */
import { parseName } from '../dns/name.ts'

/** As kubelet sets it in a pod's /etc/resolv.conf. */
const ndots = 5

/** The names in the order in which they are tried. `zone` is the cluster's. Throws NameError. */
export function searchNames(name: string, namespace: string, zone: string): string[] {
  const absolute = parseName(name)
  if (name.endsWith('.')) return [absolute]
  const suffixes = [`${namespace}.svc.${zone}`, `svc.${zone}`, zone]
  const below = suffixes.map((suffix) => parseName(`${name}.${suffix}`))
  const dots = absolute.split('.').length - 2
  return dots < ndots ? [...below, absolute] : [absolute, ...below]
}
