/** Every question that the cluster's objects suggest: their names, near misses, all types, all ways of asking. */
import { parseAddress, reverseName } from '../../src/dns/address.ts'
import { dnsClass, opcode, type as rrType } from '../../src/dns/codes.ts'
import type { Edns, Message } from '../../src/dns/message.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { namesLikeThose } from './clusterset.ts'
import type { KubernetesObject } from './objects.ts'

export interface Ask {
  readonly name: string
  readonly type: number
  readonly over: 'udp' | 'tcp'
  readonly class: number
  readonly opcode: number
  readonly edns: Edns | undefined
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
  readonly recursionDesired: boolean
}

const { A, AAAA, SRV, TXT, PTR, NS, SOA, CNAME, MX, HTTPS, ANY, DS } = rrType
const mainTypes = [A, AAAA, SRV, TXT, PTR]
const allTypes = [...mainTypes, NS, SOA, CNAME, MX, HTTPS, ANY, DS, 999]

export const ask = (name: string, type: number, more: Partial<Ask> = {}): Ask => ({
  name,
  type,
  over: 'udp',
  class: dnsClass.IN,
  opcode: opcode.QUERY,
  edns: undefined,
  authenticData: false,
  checkingDisabled: false,
  recursionDesired: true,
  ...more,
})

export const edns = (payloadSize: number, more: Partial<Edns> = {}): Edns => ({
  version: 0,
  payloadSize,
  dnssecOk: false,
  extendedRcode: 0,
  options: [],
  ...more,
})

/** All names that exist or nearly exist in `zone` for these objects. Deterministic. */
export function interestingNames(objects: readonly KubernetesObject[], zone: string): string[] {
  const names = new Set<string>()
  const add = (...labels: string[]) => {
    const name = [...labels.filter(Boolean), zone].join('.')
    if (name.length < 250 && labels.every((label) => label.split('.').every((part) => part.length <= 63)))
      names.add(name)
  }
  add('')
  add('svc')
  add('pod')
  add('nosuch')
  add('dns-version')
  add('ns.dns')
  add('dns')
  add('x.ns.dns')
  add('www.example.com')
  add('www.example.com.svc')
  add('a.b.c.d.e.f')
  for (const object of objects) {
    for (const name of namesLikeThose(object)) add(name)
    const { name, namespace = '' } = object.metadata
    if (object.kind === 'Namespace') {
      for (const sub of ['svc', 'pod']) {
        add(name, sub)
        add('nosuch', name, sub)
        add('www.example.com', name, sub)
        add('*', name, sub)
      }
      add('10-20-0-1', name, 'pod')
      add('10-20-0-9', name, 'pod')
      add('fd00--1', name, 'pod')
      add('not-an-ip', name, 'pod')
      add('x.10-20-0-1', name, 'pod')
      add('x.y.10-20-0-1', name, 'pod')
      add('x.y.z.10-20-0-1', name, 'pod')
      add('any', name, 'svc')
    }
    if (object.kind === 'Service') {
      const own = [name, namespace, 'svc']
      add(...own)
      add(name, 'nosuchns', 'svc')
      for (const left of ['x', 'x.y', 'x.y.z', '_x._y', '_', '_._', '_tcp', '_http', 'tcp', '*']) add(left, ...own)
      const spec = object.spec as { ports?: { name?: string; protocol?: string }[] }
      for (const port of spec.ports ?? []) {
        const portName = port.name ?? ''
        const protocol = (port.protocol ?? 'TCP').toLowerCase()
        const other = protocol === 'tcp' ? 'udp' : 'tcp'
        for (const left of [
          `_${portName}._${protocol}`,
          `_${portName}._${other}`,
          `${portName || 'x'}.${protocol}`,
          `_${portName}._`,
          `_._${protocol}`,
          `__${portName}._${protocol}`,
          `_${portName}.${protocol}`,
          `x._${portName}._${protocol}`,
        ])
          add(left, ...own)
      }
    }
    if (object.kind === 'EndpointSlice') {
      const labels = object.metadata.labels as Record<string, string>
      const own = [labels['kubernetes.io/service-name'] ?? '', namespace, 'svc']
      for (const endpoint of (
        object.endpoints as { addresses: string[]; hostname?: string; targetRef?: { name: string } }[]
      ).slice(0, 6)) {
        for (const address of endpoint.addresses) add(address.replaceAll(/[.:]/g, '-'), ...own)
        if (endpoint.hostname) {
          add(endpoint.hostname, ...own)
          add(`x.${endpoint.hostname}`, ...own)
        }
        if (endpoint.targetRef) add(endpoint.targetRef.name, ...own)
      }
    }
  }
  return [...names]
}

/** Reverse names of every address in the objects, and of some that no one has. */
export function reverseNames(objects: readonly KubernetesObject[]): string[] {
  const names = [...['10.96.255.254', '10.20.250.1', 'fd00::dead'].map(reverseOf), ...reverseNamesOf(objects)]
  return [...names, ...names.slice(0, 3).map((name) => name.slice(name.indexOf('.') + 1)), 'x.1.1.96.10.in-addr.arpa.']
}

export function reverseNamesOf(objects: readonly KubernetesObject[]): string[] {
  const addresses = new Set<string>()
  for (const object of objects) {
    const spec = object.spec as { clusterIPs?: string[]; clusterIP?: string } | undefined
    for (const ip of [...(spec?.clusterIPs ?? []), spec?.clusterIP ?? '']) if (/[.:]/.test(ip)) addresses.add(ip)
    for (const endpoint of (object.endpoints as { addresses: string[] }[] | undefined)?.slice(0, 6) ?? [])
      for (const address of endpoint.addresses) if (/^[0-9a-f.:]+$/.test(address)) addresses.add(address)
  }
  return [...addresses].map(reverseOf)
}

function reverseOf(address: string): string {
  return reverseName(parseAddress(address)!)
}

/** Alternates upper and lower case: a question that 0x20 could have sent. */
function mixCase(name: string): string {
  return [...name].map((letter, at) => (at % 2 ? letter.toUpperCase() : letter)).join('')
}

export function questions(objects: readonly KubernetesObject[], zone: string): Ask[] {
  const names = interestingNames(objects, zone)
  const asks: Ask[] = []
  for (const name of names) for (const type of allTypes) asks.push(ask(name, type))
  for (const name of reverseNames(objects)) for (const type of [PTR, A, SOA, TXT]) asks.push(ask(name, type))
  for (const name of names) {
    for (const type of [A, SRV]) {
      asks.push(ask(name, type, { over: 'tcp' }))
      asks.push(ask(mixCase(name), type))
      for (const size of [512, 1232, 4096]) asks.push(ask(name, type, { edns: edns(size) }))
    }
    asks.push(ask(name, A, { edns: edns(1232, { dnssecOk: true }), checkingDisabled: true }))
    asks.push(ask(name, A, { authenticData: true, recursionDesired: false }))
  }
  for (const name of names.slice(0, 40)) {
    asks.push(ask(name, A, { edns: edns(1232, { options: [{ code: 3, data: new Uint8Array(0) }] }) }))
    asks.push(ask(name, A, { edns: edns(1232, { options: [{ code: 10, data: new Uint8Array(8) }] }) }))
    asks.push(ask(name, A, { edns: edns(1232, { options: [{ code: 8, data: new Uint8Array([0, 1, 0, 0]) }] }) }))
    asks.push(ask(name, A, { edns: edns(100, { version: 1 }) }))
    asks.push(ask(name, A, { edns: edns(0) }))
    asks.push(ask(name, TXT, { class: dnsClass.CH }))
    asks.push(ask(name, A, { class: dnsClass.ANY }))
    asks.push(ask(name, SOA, { opcode: opcode.NOTIFY }))
    asks.push(ask(name, SOA, { opcode: opcode.UPDATE }))
  }
  for (const name of [
    'www.example.org.',
    'nxdomain.example.org.',
    'nodata.example.org.',
    'many.example.org.',
    '.',
    'x.',
  ])
    for (const type of [A, AAAA, TXT, MX]) {
      asks.push(ask(name, type))
      asks.push(ask(name, type, { over: 'tcp', edns: edns(1232) }))
    }
  return asks
}

export function requestOf(asked: Ask, id: number): Message {
  return {
    ...queryMessage(asked.name, asked.type, asked.recursionDesired),
    id,
    opcode: asked.opcode,
    authenticData: asked.authenticData,
    checkingDisabled: asked.checkingDisabled,
    questions: [{ name: asked.name, type: asked.type, class: asked.class }],
    edns: asked.edns,
  }
}
