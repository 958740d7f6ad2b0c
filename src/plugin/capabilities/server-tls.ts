/** TLS of a server block's listeners (`tls`): what its encrypted keys are served with. */
import { defineCapability } from '../capability.ts'

/** Whether clients must send a certificate, and whether it is verified. */
export interface ClientAuth {
  readonly ask: boolean
  readonly required: boolean
  readonly verified: boolean
}

/** PEM. */
export interface TlsSecrets {
  readonly cert: Buffer
  readonly key: Buffer
  /** Who may have issued clients' certificates; undefined where none are verified. */
  readonly ca: Buffer | readonly string[] | undefined
}

/** What blocks on one listener must have in common, each as text that is equal where they agree. */
export interface TlsPolicy {
  readonly clientAuth: string
  readonly clientAuthorities: string
  readonly certificates: string
}

export interface ServerTls {
  readonly policy: TlsPolicy
  readonly clientAuth: ClientAuth
  /** For the next handshake: another object when the files have changed. */
  secrets(): TlsSecrets
  /** Gets each line of the key log (SSLKEYLOGFILE); undefined: no key log is written. */
  readonly keyLog: ((line: Buffer) => void) | undefined
}

export const serverTls = defineCapability<ServerTls>('server TLS')

/** What blocks on one listener disagree on, in CoreDNS's words; undefined where they agree. */
export function tlsConflict(one: TlsPolicy | undefined, other: TlsPolicy | undefined): string | undefined {
  if (one === other) return undefined
  if (one === undefined || other === undefined) return 'TLS is configured for only one server block'
  if (one.clientAuth !== other.clientAuth) return 'client authentication policies differ'
  if (one.clientAuthorities !== other.clientAuthorities) return 'client CA pools differ'
  if (one.certificates !== other.certificates) return 'server certificates differ'
  return undefined
}
