/**
 * What the annotations of an object ask for (docs/design.md §10). A key that is absent, or ignored, leaves its field
 * out.
 */

import type { SplitBackend } from '../features/split/parse.ts'
import type { Problem } from './parsed.ts'

export interface ServiceAnnotations {
  /** Seconds. */
  readonly ttl?: number
  readonly srvPriority?: number
  readonly srvWeight?: number
  /** The name is a traffic split, if its backends can be that (split.ts of this room). */
  readonly split?: readonly SplitBackend[]
  /** Milliseconds that a question for an endpoint which is not there yet waits for it. */
  readonly hold?: number
  /** Rdata of TXT records (`txt.PREFIX/KEY`). */
  readonly metadata?: readonly Uint8Array[]
  /** Rdata of the TXT record with the gRPC service config. */
  readonly grpcConfig?: Uint8Array
  /** The ready endpoints are listed at a name of their own. */
  readonly endpoints?: boolean
  /** Host names that the service wants as well, lower case and absolute. */
  readonly aliases?: readonly string[]
  /** Each annotation that is ignored, with the rule that it breaks. */
  readonly problems: readonly Problem[]
}

export interface NamespaceAnnotations {
  readonly ttl?: number
  readonly problems: readonly Problem[]
}

export interface SliceAnnotations {
  readonly srvPriority?: number
  readonly srvWeight?: number
  readonly problems: readonly Problem[]
}
