/** Node.js's codes for OpenSSL verification errors that mean an untrusted CA. */
const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/**
 * Why a certificate is not trusted, in Go's words, and what an operator can do: `remedy` is what the configuration offers (`name
 * its CA with 'tls CA'`). Undefined for other error codes. Node.js's own text would name a flag of Node.js.
 */
export function untrustedText(code: string | undefined, remedy: string): string | undefined {
  if (code === undefined || !untrusted.has(code)) return undefined
  return `x509: certificate signed by unknown authority (${remedy}, or add the CA to the system's store: /etc/ssl/certs, SSL_CERT_FILE or SSL_CERT_DIR)`
}
