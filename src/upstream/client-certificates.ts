/** The certificates with which other servers are asked over TLS (`tls` of `forward`, `grpc` and `etcd`). */
import { createHash } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { systemRoots } from '../trust/system-roots.ts'

/** Paths; '' for what is not named. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

export interface ClientCertificates {
  /** What they are: equal certificates are one context in the process. */
  readonly digest: string
  create(): SecureContext
}

/** Of `tls`, `tls CA`, `tls CERT KEY`, `tls CERT KEY CA`. */
export function certificateFiles(words: readonly string[]): CertificateFiles {
  const [cert, key] = words.length >= 2 ? words : ['', '']
  return { cert, key, ca: words.length === 1 ? words[0] : (words[2] ?? '') }
}

/** Without a CA the system's are trusted, as in CoreDNS; they are read when needed. Throws what is wrong with a file. */
export function readClientCertificates(
  files: CertificateFiles | undefined,
  readFile: (path: string) => Buffer,
): ClientCertificates {
  const read = (path: string | undefined): Buffer | undefined => (path ? readFile(path) : undefined)
  const [cert, key, ca] = [read(files?.cert), read(files?.key), read(files?.ca)]
  // Without one nothing would be trusted.
  if (ca && !/-----BEGIN CERTIFICATE-----/.test(ca.toString('latin1')))
    throw new Error(`${files?.ca} has no certificate (PEM)`)
  const own = cert && key ? { cert, key } : {}
  // Reports invalid ones at once.
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
