/** The backends of a split that can be selected at a name, and what they contribute there. */
import type { EndpointGroup } from '../../lookup/endpoints.ts'
import type { PortName } from './backend-state.ts'
import type { Backend } from './split-backends.ts'

/** A backend that can be selected, with a share above 0. */
export interface SelectableBackend extends Backend {
  readonly groups: readonly EndpointGroup[]
}

export interface SplitLookup {
  /** For A and AAAA. */
  readonly hosts: readonly SelectableBackend[]
  /** For SRV, by port, for the ports [from, to): each group has that one port. Ports that no backend has are omitted. */
  servers(
    from: number,
    to: number,
  ): readonly { readonly port: PortName; readonly backends: readonly SelectableBackend[] }[]
  /** Numbers of the ports that the name asks for, of the backends with endpoints, and of their endpoints. */
  readonly portCount: number
  readonly backendCount: number
  readonly endpointCount: number
  /** The priority of all SRV records. */
  readonly priority: number
  readonly maxTtl: number
}
