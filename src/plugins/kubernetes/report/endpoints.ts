/** The endpoints of one service, each with its state, pod and node. */
import type { EndpointState } from '../../../console/state.ts'
import { formatAddress } from '../../../dns/address.ts'
import { targetNames } from '../../../k8s/model/target-names.ts'
import { type EndpointSlice, endpointFlag } from '../../../k8s/model/types.ts'
import { bounds } from './bounds.ts'

export function endpointStates(slices: readonly EndpointSlice[]): readonly EndpointState[] {
  const states: EndpointState[] = []
  for (const slice of slices) {
    const targets = targetNames(slice.targets, slice.count)
    for (let place = 0; place < slice.count && states.length < bounds.endpoints; place++) {
      const flags = slice.flags[place]
      states.push({
        address: addressText(slice, place),
        ready: (flags & endpointFlag.ready) !== 0,
        serving: (flags & endpointFlag.serving) !== 0,
        terminating: (flags & endpointFlag.terminating) !== 0,
        hostname: slice.hostnames?.[place] ?? '',
        node: targets[place].node,
        zone: slice.zones?.[place] ?? '',
        pod: targets[place].pod,
      })
    }
  }
  return states.sort((a, b) => Number(a.ready) - Number(b.ready))
}

export function addressText({ addresses, addressType, fqdns }: EndpointSlice, place: number): string {
  const width = addressType === 'IPv4' ? 4 : 16
  return fqdns?.[place] ?? formatAddress(addresses.subarray(place * width, (place + 1) * width))
}
