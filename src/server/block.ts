import type { BlockFacts, Instance } from '../plugin/contract.ts'
import type { Next } from '../plugin/query.ts'
import type { Router } from './routing.ts'

/** A server block whose plugins are set up. */
export interface Block {
  readonly facts: BlockFacts
  readonly zones: readonly string[]
  /** In chain order, those without a handler included. */
  readonly instances: readonly { readonly plugin: string; readonly instance: Instance }[]
  /** Undefined for a block without a handler: its zones are REFUSED (docs/coredns-behaviour.md §2.5). */
  readonly chain: Next | undefined
  /** `bufsize`: the largest UDP payload that a client may ask for. */
  readonly maxPayload: number | undefined
  /** Queries of another class than IN are let in (`chaos`, `forward`). */
  readonly anyClass: boolean
}

/** An address and port with the blocks that share it. */
export interface ListenerPlan {
  /** '' for every address. */
  readonly address: string
  readonly port: number
  /** As metrics name it: `dns://:53`, `dns://127.0.0.1:53`. */
  readonly server: string
  readonly shards: number
  readonly blocks: readonly Block[]
  readonly router: Router<Block>
  /** One block lets other classes than IN in, which opens the whole listener to them, as in CoreDNS. */
  readonly anyClass: boolean
  /** A block of it has `bufsize`. */
  readonly limitsPayload: boolean
}

export function serverLabel(address: string, port: number): string {
  return `dns://${address.includes(':') ? `[${address}]` : address}:${port}`
}
