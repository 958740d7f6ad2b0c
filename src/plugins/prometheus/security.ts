/** HTTPS with the settings of a web configuration. */
import { createHash } from 'node:crypto'
import { createSecureContext, createServer, type TLSSocket } from 'node:tls'
import { readRegularFile } from '../../corefile/regular-file.ts'
import type { HttpSecurity } from '../../telemetry/http/server.ts'
import { followFiles } from '../../trust/followed-files.ts'
import type { Pem, TlsConfig } from './web-config.ts'

/** Reads the files of the configuration. Throws an Error that names the file and the problem. */
export function openSecurity(tls: TlsConfig): HttpSecurity {
  const files = [tls.cert, tls.key, tls.ca].flatMap((pem) => (pem && 'file' in pem ? [pem.file] : []))
  // When a file is half written or missing, the old certificate stays until the files change again.
  const secrets = followFiles(
    files,
    () => readSecrets(tls),
    () => undefined,
  )
  return {
    // A changed configuration is a new listener: a reload opens it beside the old one, which then closes.
    key: createHash('sha256').update(JSON.stringify(tls)).digest('hex'),
    createServer(options) {
      const { clientAuth, minVersion, maxVersion } = tls
      const server = createServer({
        ...options,
        ...secrets.current(),
        minVersion,
        maxVersion,
        requestCert: clientAuth.ask,
        // Certificates that are verified only if given are verified below.
        rejectUnauthorized: clientAuth.required && clientAuth.verified,
        ALPNProtocols: ['http/1.1'],
      })
      server.on('secureConnection', (socket: TLSSocket) => {
        if (!isWelcome(socket, tls)) socket.destroy()
      })
      let used = secrets.current()
      // Before the handshake: a renewed certificate is used from the next connection on, as in the exporters.
      server.prependListener('connection', () => {
        if (secrets.current() === used) return
        used = secrets.current()
        server.setSecureContext({ ...used, minVersion, maxVersion })
      })
      return server
    },
  }
}

interface Secrets {
  readonly cert: string | Buffer
  readonly key: string | Buffer
  readonly ca: string | Buffer | undefined
}

function readSecrets({ cert, key, ca }: TlsConfig): Secrets {
  const secrets = { cert: readPem(cert), key: readPem(key), ca: ca && readPem(ca) }
  createSecureContext(secrets)
  return secrets
}

const readPem = (pem: Pem): string | Buffer => ('text' in pem ? pem.text : readRegularFile(pem.file))

function isWelcome(socket: TLSSocket, { clientAuth, allowedSans }: TlsConfig): boolean {
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return !clientAuth.required
  if (clientAuth.verified && !socket.authorized) return false
  if (!clientAuth.ask || !allowedSans) return true
  const sans = sansOf(certificate.subjectAltName ?? '')
  return allowedSans.some((allowed) => sans.includes(allowed))
}

/** `DNS:a.example, IP Address:192.0.2.1, URI:…`; values with commas and quotes are JSON strings. */
function sansOf(text: string): string[] {
  return [...text.matchAll(/(?:^|, )[A-Za-z ]+:("(?:[^"\\]|\\.)*"|[^,]*)/g)].map(([, value]) =>
    value!.startsWith('"') ? String(JSON.parse(value!)) : value!,
  )
}
