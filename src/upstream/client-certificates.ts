/** Certificates for queries to other servers over TLS (`tls` of `forward`, `grpc` and `etcd`). */
import { createHash } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { systemRoots } from '../trust/system-roots.ts'

/** Paths; '' if not given. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

export interface ClientCertificates {
  /** Identifies the contents: equal certificates share one TLS context in the process. */
  readonly digest: string
  create(): SecureContext
}

/** Reads `tls`, `tls CA`, `tls CERT KEY` or `tls CERT KEY CA`. */
export function certificateFiles(words: readonly string[]): CertificateFiles {
  const [cert, key] = words.length >= 2 ? words : ['', '']
  return { cert, key, ca: words.length === 1 ? words[0] : (words[2] ?? '') }
}

/** Without a CA the system's roots are trusted, as in CoreDNS, and read when needed. Throws with what is wrong with a file. */
export function readClientCertificates(
  files: CertificateFiles | undefined,
  readFile: (path: string) => Buffer,
): ClientCertificates {
  const read = (path: string | undefined): Buffer | undefined => (path ? readFile(path) : undefined)
  const [cert, key, ca] = [read(files?.cert), read(files?.key), read(files?.ca)]
  // A file without a certificate would make every server untrusted.
  if (ca && !/-----BEGIN CERTIFICATE-----/.test(ca.toString('latin1')))
    throw new Error(`${files?.ca} has no certificate (PEM)`)
  const own = cert && key ? { cert, key } : {}
  // Throws at once if they are invalid.
  if (cert || ca) createSecureContext({ ...own, ...(ca ? { ca } : {}) })
  const digest = createHash('sha256')
  for (const file of [cert, key, ca]) digest.update(file ?? '').update('\0')
  return {
    digest: digest.digest('hex'),
    create() {
      const trusted = ca ?? systemRoots()
      return createSecureContext({ ...own, ...(trusted ? { ca: trusted } : {}) })
    },
  }
}
