/** What a split answers: addresses of one backend per reply, SRV records of all in proportion (docs/design.md §8). */
import { type as dnsType } from '../../../dns/codes.ts'
import { rdata } from '../../../dns/rdata.ts'
import type { AddressesSpec, RecordsSpec, ServicesSpec, VariantsSpec } from '../../../table/spec.ts'
import type { EndpointGroup } from '../../lookup/endpoints.ts'
import { distinctAddresses } from '../../records/distinct-addresses.ts'
import type { SplitLookup } from './selection.ts'
import { backendTag } from './split-backends.ts'
import { type ServicesChoice, splitServices } from './split-srv.ts'

/** Names and addresses, in this order: CNAME records are followed by what their targets resolve to. */
export interface ChaseSpec {
  readonly kind: 'chase'
  readonly groups: readonly EndpointGroup[]
  readonly ttl: number
}

/** One of several answers, selected by weight; the target of a CNAME has to be resolved first. */
export interface ChoiceSpec {
  readonly kind: 'choice'
  readonly variants: readonly {
    readonly weight: number
    readonly tag: number
    readonly answer: AddressesSpec | ChaseSpec
  }[]
}

export type SplitAnswer =
  | AddressesSpec
  | ServicesSpec
  | RecordsSpec
  | VariantsSpec
  | ChaseSpec
  | ChoiceSpec
  | ServicesChoice
  | { readonly kind: 'nodata' }

const nodata: SplitAnswer = { kind: 'nodata' }

export function splitAnswer(split: SplitLookup, type: number, ttl: number): SplitAnswer {
  switch (type) {
    case dnsType.A:
      return hostsAnswer(split, 4, ttl)
    case dnsType.AAAA:
      return hostsAnswer(split, 16, ttl)
    case dnsType.SRV:
      return splitServices(split, ttl)
    case dnsType.CNAME:
      return aliasAnswer(split, ttl)
    default:
      return nodata
  }
}

/** A headless backend has the same groups in every split that names it, until its endpoints change. */
const knownAddresses = { 4: new WeakMap<object, Uint8Array>(), 16: new WeakMap<object, Uint8Array>() }

function addressesOf(groups: readonly EndpointGroup[], width: 4 | 16): Uint8Array {
  const known = knownAddresses[width].get(groups)
  if (known) return known
  const addresses = distinctAddresses(groups, width)
  knownAddresses[width].set(groups, addresses)
  return addresses
}

/** A backend without addresses of the family is not selected for it. */
function hostsAnswer({ hosts }: SplitLookup, width: 4 | 16, ttl: number): SplitAnswer {
  const variants = hosts.flatMap((backend): ChoiceSpec['variants'][number][] => {
    const { share: weight, groups } = backend
    const tag = backendTag(backend)
    if (groups.some((group) => group.width === 0)) return [{ weight, tag, answer: { kind: 'chase', groups, ttl } }]
    const addresses = addressesOf(groups, width)
    return addresses.length > 0 ? [{ weight, tag, answer: { kind: 'addresses', ttl, addresses } }] : []
  })
  if (variants.length === 0) return nodata
  if (variants.length === 1) return variants[0].answer
  return isStorable(variants) ? { kind: 'variants', variants } : { kind: 'choice', variants }
}

const isStorable = (variants: ChoiceSpec['variants']): variants is VariantsSpec['variants'] & ChoiceSpec['variants'] =>
  variants.every(({ answer }) => answer.kind === 'addresses')

/** A CNAME must be the only record (RFC 1034 §3.6.2): there is one while an ExternalName is the only backend. */
function aliasAnswer({ hosts }: SplitLookup, ttl: number): SplitAnswer {
  const [only] = hosts
  const [group] = only.groups
  if (hosts.length > 1 || group.width !== 0 || group.count === 0) return nodata
  const record = { owner: '', type: dnsType.CNAME, ttl, rdata: rdata.name(group.names[0]) }
  return { kind: 'records', answer: [record], additional: [] }
}
