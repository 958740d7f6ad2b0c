/** systemd-resolved in a pod, without systemd: the daemon, a bus for resolvectl, and the zone of the cluster. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { without } from '../support/peers.ts'
import { until } from '../support/until.ts'
import type { Pod } from './pod.ts'

export const withoutResolved = () => without('systemd-resolved', 'resolvectl', 'dbus-daemon')

/** Everybody may do everything: the bus is the pod's own. */
const bus = `<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`

/**
 * A `.local` zone is for mDNS unless it is among the domains. A name of one label is asked of no DNS server as it stands
 * unless told so: its stub answers SERVFAIL at the end of a search, which is then no proof that the name does not exist.
 */
const configuration = (domains: string) => `[Resolve]
DNS=127.0.0.1
FallbackDNS=
Domains=${domains}
ResolveUnicastSingleLabel=yes
LLMNR=no
MulticastDNS=no
`

/** Its stub listens on 127.0.0.53 when this is done, and resolvectl reaches it. */
export async function startResolved(pod: Pod, domains: readonly string[]): Promise<void> {
  writeFileSync(join(pod.folder, 'bus.conf'), bus)
  writeFileSync(join(pod.folder, 'resolved.conf'), configuration(domains.join(' ')))
  const folders = '/run/dbus /run/systemd/resolve/netif /run/systemd/resolved.conf.d'
  await pod.run([
    'sh',
    '-c',
    `mkdir -p ${folders} && cp "$1" /run/systemd/resolved.conf.d/`,
    'sh',
    join(pod.folder, 'resolved.conf'),
  ])
  pod.start(['dbus-daemon', '--nofork', `--config-file=${join(pod.folder, 'bus.conf')}`])
  const printed = pod.start(['systemd-resolved'])
  await until(async () => {
    try {
      await pod.run(['resolvectl', '--type=TXT', 'query', 'dns-version.cluster.local'])
      await pod.run(['dig', '+tries=1', '+time=1', '@127.0.0.53', 'dns-version.cluster.local', 'TXT'])
    } catch (error) {
      throw new Error(`${(error as Error).message}\nsystemd-resolved printed: ${printed()}`)
    }
  })
}
