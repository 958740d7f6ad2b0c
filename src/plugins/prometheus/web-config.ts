/** The web configuration file of Prometheus exporters, read strictly: an ignored option would not protect anything. */
import { dirname, resolve } from 'node:path'
import type { SecureVersion } from 'node:tls'
import { parse } from 'yaml'
import { readRegularFile } from '../../corefile/regular-file.ts'

export interface WebConfig {
  /** Undefined: plain HTTP. */
  readonly tls: TlsConfig | undefined
  /** Added to each reply. */
  readonly headers: Readonly<Record<string, string>>
}

export interface TlsConfig {
  readonly cert: Pem
  readonly key: Pem
  readonly ca: Pem | undefined
  readonly clientAuth: ClientAuth
  /** A client's certificate must have one of these; undefined: no restriction. */
  readonly allowedSans: readonly string[] | undefined
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
}

/** A certificate or key as text, or the path of its file. */
export type Pem = { readonly text: string } | { readonly file: string }

export interface ClientAuth {
  readonly ask: boolean
  readonly required: boolean
  readonly verified: boolean
}

const versions: Readonly<Record<string, SecureVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
}

/** Whether clients must send a certificate, and whether it is verified. */
const clientAuthTypes: Readonly<Record<string, ClientAuth>> = {
  NoClientCert: { ask: false, required: false, verified: false },
  RequestClientCert: { ask: true, required: false, verified: false },
  RequireAnyClientCert: { ask: true, required: true, verified: false },
  /** The older name of RequireAnyClientCert. */
  RequireClientCert: { ask: true, required: true, verified: false },
  VerifyClientCertIfGiven: { ask: true, required: false, verified: true },
  RequireAndVerifyClientCert: { ask: true, required: true, verified: true },
}

/** The headers that the format allows, with the allowed values if not any. */
const headerValues: Readonly<Record<string, readonly string[]>> = {
  'Strict-Transport-Security': [],
  'X-Content-Type-Options': ['nosniff'],
  'X-Frame-Options': ['deny', 'sameorigin'],
  'X-XSS-Protection': [],
  'Content-Security-Policy': [],
}

const sections = ['tls_server_config', 'http_server_config', 'basic_auth_users', 'rate_limit']
const tlsOptions = [
  ...['cert', 'cert_file', 'key', 'key_file', 'client_ca', 'client_ca_file', 'client_auth_type', 'client_allowed_sans'],
  ...['min_version', 'max_version', 'prefer_server_cipher_suites', 'cipher_suites', 'curve_preferences'],
]
const httpOptions = ['http2', 'headers']
/** Options that are not supported: ignoring one would protect metrics less than intended. */
const unsupported = ['basic_auth_users', 'rate_limit', 'cipher_suites', 'curve_preferences']

/** Throws an Error that names the file and the problem. */
export function readWebConfig(path: string): WebConfig {
  const text = readRegularFile(path).toString('utf8')
  try {
    const document: unknown = parse(text) ?? {}
    const web = known(document, 'the web configuration', sections)
    return { tls: readTls(web.tls_server_config, dirname(path)), headers: readHeaders(web.http_server_config) }
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`)
  }
}

function readTls(section: unknown, folder: string): TlsConfig | undefined {
  if (section === undefined || section === null) return undefined
  const tls = known(section, 'tls_server_config', tlsOptions)
  if (Object.keys(tls).length === 0) return undefined
  const cert = readPem(tls, 'cert', folder)
  const key = readPem(tls, 'key', folder)
  if (!cert) throw new Error('tls_server_config needs cert_file or cert')
  if (!key) throw new Error('tls_server_config needs key_file or key')
  const ca = readPem(tls, 'client_ca', folder)
  const clientAuth = oneOf(clientAuthTypes, tls.client_auth_type || 'NoClientCert', 'client_auth_type')
  if (ca && !clientAuth.ask) throw new Error('client_ca needs a client_auth_type that asks clients for a certificate')
  const sans = tls.client_allowed_sans
  if (sans !== undefined && !(Array.isArray(sans) && sans.every((san) => typeof san === 'string')))
    throw new Error('client_allowed_sans must be a list of names')
  return {
    cert,
    key,
    ca,
    clientAuth,
    allowedSans: sans,
    minVersion: oneOf(versions, tls.min_version ?? 'TLS12', 'min_version'),
    maxVersion: oneOf(versions, tls.max_version ?? 'TLS13', 'max_version'),
  }
}

/** A file takes precedence over text, as in the exporters. */
function readPem(tls: Readonly<Record<string, unknown>>, option: string, folder: string): Pem | undefined {
  const file = tls[`${option}_file`]
  const text = tls[option]
  for (const value of [file, text])
    if (value !== undefined && typeof value !== 'string') throw new Error(`${option} must be text`)
  if (file) return { file: resolve(folder, file as string) }
  return text ? { text: text as string } : undefined
}

function readHeaders(section: unknown): Readonly<Record<string, string>> {
  if (section === undefined || section === null) return {}
  const { headers } = known(section, 'http_server_config', httpOptions)
  if (headers === undefined || headers === null) return {}
  const read = known(headers, 'headers', Object.keys(headerValues))
  for (const [name, value] of Object.entries(read)) {
    const allowed = headerValues[name]!
    if (typeof value !== 'string' || /[\r\n]/.test(value)) throw new Error(`${name} must be one line of text`)
    if (allowed.length > 0 && !allowed.includes(value)) throw new Error(`${name} must be ${allowed.join(' or ')}`)
  }
  return read as Record<string, string>
}

/** The options of a section. Throws on unknown and unsupported ones. */
function known(value: unknown, what: string, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} must have options`)
  for (const name of Object.keys(value)) {
    if (!names.includes(name)) throw new Error(`unknown option '${name}' in ${what}`)
    if (unsupported.includes(name)) throw new Error(`${name} is not supported`)
  }
  return value as Record<string, unknown>
}

function oneOf<T>(values: Readonly<Record<string, T>>, value: unknown, option: string): T {
  if (typeof value !== 'string' || !Object.hasOwn(values, value))
    throw new Error(`${option} must be one of ${Object.keys(values).join(', ')}`)
  return values[value]!
}
