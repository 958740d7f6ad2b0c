/** Certificates in files, and what `tls` makes of them, for listeners of tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClientAuth, ServerTls } from '../../src/plugin/capabilities/server-tls.ts'
import { type Authority, type Certificate, createAuthority } from './api-server/certificates.ts'

export interface CertificateFolder {
  readonly path: string
  readonly authority: Authority
  /** Writes NAME.pem and NAME.key, issued by the authority (ca.pem). */
  issue(name: string): Certificate
  remove(): void
}

export function certificateFolder(): CertificateFolder {
  const path = mkdtempSync(join(tmpdir(), 'slicedns-certificates-'))
  const authority = createAuthority()
  writeFileSync(join(path, 'ca.pem'), authority.cert)
  return {
    path,
    authority,
    issue(name) {
      const made = authority.issue({ commonName: name })
      writeFileSync(join(path, `${name}.pem`), made.cert)
      writeFileSync(join(path, `${name}.key`), made.key)
      return made
    },
    remove: () => rmSync(path, { recursive: true }),
  }
}

export const noClientAuth: ClientAuth = { ask: false, required: false, verified: false }

/** The TLS of a listener, as `tls` provides it. `current` may be replaced, as the files may. */
export function testTls(authority: Authority, clientAuth = noClientAuth): ServerTls & { current: Certificate } {
  const ca = Buffer.from(authority.cert)
  let read: Certificate | undefined
  let secrets: ReturnType<ServerTls['secrets']>
  return {
    current: authority.issue(),
    policy: { clientAuth: '', clientAuthorities: '', certificates: '' },
    clientAuth,
    secrets() {
      if (read !== this.current) {
        read = this.current
        secrets = { cert: Buffer.from(read.cert), key: Buffer.from(read.key), ca }
      }
      return secrets
    },
    keyLog: undefined,
  }
}
