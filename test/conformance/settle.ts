/** Both servers have the same state: marks are changed last, and each server shows every mark that it can show. */
import { parseAddress } from '../../src/dns/address.ts'
import { rcode, type as rrType } from '../../src/dns/codes.ts'
import { until } from '../support/until.ts'
import { createObject, deleteObject, replaceObject } from './api.ts'
import { importedSlice, serviceImport } from './clusterset.ts'
import { finalize, type LiveCluster } from './live-cluster.ts'
import { type KubernetesObject, namespace, pod, service, slice } from './objects.ts'
import type { Pair } from './pair.ts'
import { type Ask, ask } from './queries.ts'

const { A, CNAME } = rrType

/** Shown in every configuration: exposed, of the front tier, and in a namespace that is always there. */
const home = 'apps'
const shown = { exposed: 'yes', tier: 'front' }

const addressOf = (marker: number) => `10.250.${(marker >> 8) & 255}.${marker & 255}`
const hostOf = (marker: number) => `m${marker}`

/**
 * An object of each kind that is watched but namespaces, which are made anew: the events of a kind come in order, those
 * of several kinds do not.
 */
function marks(marker: number): KubernetesObject[] {
  const ports = [{ port: 80 }]
  const address = addressOf(marker)
  const imported = (name: string, ips?: string[]) => {
    const object = serviceImport(home, name, { ...(ips ? { ips } : {}), ports })
    return { ...object, metadata: { ...object.metadata, labels: shown } }
  }
  return [
    service(home, 'marked', { type: 'ExternalName', externalName: `${hostOf(marker)}.example.org`, labels: shown }),
    service(home, 'marker', { clusterIP: 'None', ports, labels: shown }),
    slice(home, 'marker', 'marker', 'IPv4', ports, [[address]], shown),
    pod(home, 'marker', address),
    imported('marked', [address]),
    imported('marker'),
    importedSlice(home, 'marker', 'east', 'IPv4', ports, [[address]]),
    // `ignore empty_service` shows it for its endpoint.
    importedSlice(home, 'marked', 'east', 'IPv4', ports, [['10.250.255.255']]),
  ]
}

export async function placeMarks({ plane, markers }: LiveCluster): Promise<void> {
  await createObject(plane, namespace(hostOf(markers), shown))
  for (const object of marks(markers)) await createObject(plane, object)
  // Whoever asks from this machine (`autopath`).
  await createObject(plane, pod(home, 'client', '127.0.0.1'))
}

export async function settle(live: LiveCluster, { theirs, ours, corefile }: Pair): Promise<void> {
  const { plane } = live
  const before = hostOf(live.markers)
  const marker = ++live.markers
  await createObject(plane, namespace(hostOf(marker), shown))
  for (const object of marks(marker)) {
    if (object.kind === 'Pod') await plane.request('PATCH', podStatus(object), { status: object.status })
    else if (object.metadata.name === 'marked' || 'endpoints' in object) await replaceObject(plane, object)
  }
  for (const { client } of [theirs, ours]) {
    for (const { asked, holds } of signs(corefile, marker)) {
      await until(async () => {
        const reply = await client.ask(asked)
        if (!reply || !holds(Buffer.from(reply))) throw new Error(`${asked.name} is not what it was set to`)
      })
    }
  }
  await deleteObject(plane, namespace(before))
  await finalize(plane, before)
}

const podStatus = ({ metadata }: KubernetesObject) => `/api/v1/namespaces/${home}/pods/${metadata.name}/status`

interface Sign {
  readonly asked: Ask
  holds(reply: Buffer): boolean
}

/** What shows the marks in this configuration. */
function signs(corefile: string, marker: number): Sign[] {
  const [, zone] = /kubernetes (\S+)/.exec(corefile)!
  const [, clusterSet] = /multicluster (\S+)/.exec(corefile) ?? []
  const address = addressOf(marker)
  const contains =
    (octets: Uint8Array) =>
    (reply: Buffer): boolean =>
      reply.subarray(12).includes(octets)
  const addressed = (name: string): Sign => ({ asked: ask(name, A), holds: contains(parseAddress(address)!) })
  const host = Buffer.from(`\x00${hostOf(marker)}`)
  host[0] = host.length - 1
  const all: Sign[] = [{ asked: ask(`marked.${home}.svc.${zone}.`, CNAME), holds: contains(host) }]
  if (!/^ *noendpoints$/m.test(corefile)) all.push(addressed(`marker.${home}.svc.${zone}.`))
  if (corefile.includes('pods verified')) all.push(addressed(`${address.replaceAll('.', '-')}.${home}.pod.${zone}.`))
  // Which namespaces there are shows nowhere else, and of those that `namespaces` lists none changes.
  if (!/^ *namespaces /m.test(corefile)) {
    const asked = ask(`${hostOf(marker)}.svc.${zone}.`, A)
    all.push({ asked, holds: (reply) => (reply[3]! & 15) === rcode.NOERROR })
  }
  if (clusterSet) all.push(...['marked', 'marker'].map((name) => addressed(`${name}.${home}.svc.${clusterSet}.`)))
  return all
}
