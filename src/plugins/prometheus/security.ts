/** HTTPS as a web configuration says. */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { readRegularFile } from '../../corefile/regular-file.ts'
import type { HttpSecurity } from '../../telemetry/http/server.ts'
import type { Pem, TlsConfig } from './web-config.ts'

/** Reads the files that it names. Throws an Error that says what is wrong with which file. */
export function openSecurity(tls: TlsConfig): HttpSecurity {
  readSecrets(tls)
  return {
    // Another configuration is another listener: a reload opens it beside the old one, which then closes.
    key: createHash('sha256').update(JSON.stringify(tls)).digest('hex'),
    createServer(options) {
      const { clientAuth, minVersion, maxVersion } = tls
      const server = createServer({
        ...options,
        ...readSecrets(tls),
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
      followFiles(server, tls)
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
  return { cert: readPem(cert), key: readPem(key), ca: ca && readPem(ca) }
}

const readPem = (pem: Pem): string | Buffer => ('text' in pem ? pem.text : readRegularFile(pem.file))

/** A certificate that was renewed counts from the next connection on, as in the exporters. */
function followFiles(server: Server, tls: TlsConfig): void {
  let seen = versionOf(tls)
  // Before the handshake begins.
  server.prependListener('connection', () => {
    const version = versionOf(tls)
    if (version === seen) return
    seen = version
    try {
      const { minVersion, maxVersion } = tls
      server.setSecureContext({ ...readSecrets(tls), minVersion, maxVersion })
    } catch {
      // Half written, or gone: the old one stays until the files change again.
    }
  })
}

function versionOf({ cert, key, ca }: TlsConfig): string {
  return [cert, key, ca].map((pem) => (pem && 'file' in pem ? versionOfFile(pem.file) : '')).join(' ')
}

function versionOfFile(path: string): string {
  const { mtimeMs, ino, size } = statSync(path, { throwIfNoEntry: false }) ?? {}
  return `${mtimeMs} ${ino} ${size}`
}

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
