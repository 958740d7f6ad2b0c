/**
 * The CA certificates trusted by the system, from where Go's crypto/x509, and so CoreDNS, reads them: an operator adds a CA to
 * the image's or the node's store, or names one with SSL_CERT_FILE or SSL_CERT_DIR. Node.js uses built-in roots instead, unless
 * given a flag; they are used here only if the system has no certificates.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'

/** The first readable one is used: Debian, Fedora, openSUSE, OpenELEC, CentOS, Alpine. */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/** All of them are read in addition to the bundle: SLES, Fedora. */
const directories = ['/etc/ssl/certs', '/etc/pki/tls/certs']

export interface TrustSources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly bundles: readonly string[]
  readonly directories: readonly string[]
}

/**
 * PEM certificates, each once; undefined without any, so that Node.js's own are used. They take a quarter of a MiB, and
 * a TLS context with them ten times as much: read them when a connection needs them, and share the context.
 */
export function systemRoots(sources: TrustSources = { env: process.env, bundles, directories }): string[] | undefined {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: directory } = sources.env
  if (process.platform !== 'linux' && !file && !directory) return getCACertificates('system')
  const roots = new Set<string>()
  const bundle = firstReadable(file ? [file] : sources.bundles)
  for (const certificate of certificatesIn(bundle ?? '')) roots.add(certificate)
  for (const each of directory ? directory.split(':') : sources.directories) {
    for (const text of filesIn(each)) for (const certificate of certificatesIn(text)) roots.add(certificate)
  }
  return roots.size > 0 ? [...roots] : undefined
}

const certificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** Line breaks have no meaning in PEM: without them, equal certificates are equal texts. */
function certificatesIn(text: string): string[] {
  return [...text.matchAll(certificate)].map(([pem]) => `${pem.replaceAll('\r', '').trim()}\n`)
}

function firstReadable(paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const text = read(path)
    if (text !== undefined) return text
  }
  return undefined
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory).flatMap((name) => read(join(directory, name)) ?? [])
  } catch {
    // The directory does not exist, as on most systems.
    return []
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // Missing, unreadable, or a directory: try the next one.
    return undefined
  }
}
