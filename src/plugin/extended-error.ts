/** Which clients get which extended errors (RFC 8914). */
import { inPrefix, type Prefix, parseAddress } from '../dns/address.ts'
import { extendedErrorData, extendedErrorOption, infoCode, privateNetworks } from '../dns/extended-error.ts'
import type { EdnsOption } from '../dns/message.ts'

export interface ExtendedError {
  /** INFO-CODE of RFC 8914 §4. */
  readonly code: number
  /** EXTRA-TEXT, for clients inside the cluster only, because it names objects of the cluster. */
  readonly text?: string | undefined
}

/** Which extended errors a server block sends. */
export interface ExtendedErrorPolicy {
  readonly off: boolean
  /** Clients that also get texts. */
  readonly textFor: readonly Prefix[]
}

export const defaultPolicy: ExtendedErrorPolicy = { off: false, textFor: privateNetworks }

/** No client gets any. */
export const silentPolicy: ExtendedErrorPolicy = { off: true, textFor: [] }

/** The option for a client with this address, or undefined where it gets none. */
export function extendedErrorFor(
  { code, text }: ExtendedError,
  { off, textFor }: ExtendedErrorPolicy,
  client: string,
): EdnsOption | undefined {
  if (off) return undefined
  const address = text === undefined ? undefined : parseAddress(client.replace(/%.*$/s, ''))
  const mayRead = address !== undefined && textFor.some((network) => inPrefix(network, address))
  // Other Error says nothing without its text (RFC 8914 §4.1).
  if (code === infoCode.other && !mayRead) return undefined
  return { code: extendedErrorOption, data: extendedErrorData(code, mayRead ? text : undefined) }
}
