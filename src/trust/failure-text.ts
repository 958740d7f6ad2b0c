/** Codes of OpenSSL's verification for a chain that leads to no trusted CA, as Node.js names them. */
const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/**
 * Why a certificate is not trusted, in Go's words and with what an operator can do: `remedy` is what the configuration
 * offers (`name its CA with 'tls CA'`). Undefined for error codes of another kind. Node.js's own text names a flag of its.
 */
export function untrustedText(code: string | undefined, remedy: string): string | undefined {
  if (code === undefined || !untrusted.has(code)) return undefined
  return `x509: certificate signed by unknown authority (${remedy}, or add the CA to the system's store: /etc/ssl/certs, SSL_CERT_FILE or SSL_CERT_DIR)`
}
