/** `tls WEBCONFIG`: the web configuration file of Prometheus' exporters, as far as it is about TLS. */
import { createHash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { createServer, type SecureVersion, type TLSSocket } from 'node:tls'
import { parse } from 'yaml'
import { readRegularFile } from '../../corefile/regular-file.ts'
import type { HttpSecurity } from '../../telemetry/http/server.ts'

const versions: Readonly<Record<string, SecureVersion>> = { TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' }

/** Whether clients must send a certificate, and whether it is verified. */
const clientAuthTypes = {
  NoClientCert: { ask: false, required: false, verified: false },
  RequestClientCert: { ask: true, required: false, verified: false },
  RequireAnyClientCert: { ask: true, required: true, verified: false },
  VerifyClientCertIfGiven: { ask: true, required: false, verified: true },
  RequireAndVerifyClientCert: { ask: true, required: true, verified: true },
} as const

interface WebConfig {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer | undefined
  readonly clientAuth: (typeof clientAuthTypes)[keyof typeof clientAuthTypes]
  readonly minVersion: SecureVersion
}

/** Reads the file and what it names. Throws an Error that says what is wrong with which file. */
export function openSecurity(path: string): HttpSecurity {
  const { cert, key, ca, clientAuth, minVersion } = readWebConfig(path)
  return {
    // Another certificate is another listener: a reload opens it beside the old one, which then closes.
    key: createHash('sha256')
      .update(JSON.stringify([path, cert.toString(), key.toString(), ca?.toString(), clientAuth, minVersion]))
      .digest('hex'),
    createServer(options) {
      // Certificates that are verified only if given are verified below.
      const rejectUnauthorized = clientAuth.required && clientAuth.verified
      const server = createServer({
        ...options,
        cert,
        key,
        ca,
        minVersion,
        requestCert: clientAuth.ask,
        rejectUnauthorized,
        ALPNProtocols: ['http/1.1'],
      })
      server.on('secureConnection', (socket: TLSSocket) => {
        const given = Object.keys(socket.getPeerCertificate()).length > 0
        if (clientAuth.required && !given) socket.destroy()
        if (clientAuth.verified && given && !socket.authorized) socket.destroy()
      })
      return server
    },
  }
}

function readWebConfig(path: string): WebConfig {
  const refuse = (reason: string): Error => new Error(`${path}: ${reason}`)
  const document: unknown = parse(readRegularFile(path).toString('utf8')) ?? {}
  if (!isRecord(document)) throw refuse('not a web configuration')
  // Ignoring a password would expose metrics that were meant to be protected.
  if (document.basic_auth_users !== undefined) throw refuse('basic_auth_users is not supported')
  const tls = document.tls_server_config
  if (!isRecord(tls)) throw refuse('tls_server_config is missing')
  const read = (option: string): Buffer => {
    const file = tls[option]
    if (typeof file !== 'string') throw refuse(`tls_server_config.${option} must name a file`)
    return readRegularFile(resolve(dirname(path), file))
  }
  const clientAuth = tls.client_auth_type ?? 'NoClientCert'
  if (typeof clientAuth !== 'string' || !Object.hasOwn(clientAuthTypes, clientAuth))
    throw refuse(`client_auth_type must be one of ${Object.keys(clientAuthTypes).join(', ')}`)
  const minVersion = versions[String(tls.min_version ?? 'TLS12')]
  if (!minVersion) throw refuse('min_version must be TLS12 or TLS13')
  return {
    cert: read('cert_file'),
    key: read('key_file'),
    ca: tls.client_ca_file === undefined ? undefined : read('client_ca_file'),
    clientAuth: clientAuthTypes[clientAuth as keyof typeof clientAuthTypes],
    minVersion,
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
