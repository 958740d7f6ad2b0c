/** The certificates and keys of `tls`. */
import { createHash, X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { readRegularFile } from '../../corefile/regular-file.ts'
import type { Directive } from '../../corefile/schema.ts'
import type { TlsPolicy, TlsSecrets } from '../../plugin/capabilities/server-tls.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { systemRoots } from '../../trust/system-roots.ts'
import { clientAuthPolicies, schema, type TlsSettings } from './settings.ts'

/** Resolves the paths. `folder`: that of `root`. */
export function inFolder(settings: TlsSettings, folder: string): TlsSettings {
  const { cert, key, ca, keyLog } = settings
  return {
    ...settings,
    cert: resolve(folder, cert),
    key: resolve(folder, key),
    ca: ca === undefined ? undefined : resolve(folder, ca),
    keyLog: keyLog === undefined ? undefined : resolve(folder, keyLog),
  }
}

/** The policy of the directives, for `check`. If a file cannot be read, its path stands for its contents. */
export function declaredPolicy(occurrences: readonly Directive[], folder: string): TlsPolicy {
  const settings = inFolder(schema.read({ occurrences, zones: [] }).at(-1)!, folder)
  try {
    return policyOf(settings, readSecrets(settings))
  } catch {
    return { clientAuth: settings.clientAuth, clientAuthorities: settings.ca ?? '', certificates: settings.cert }
  }
}

/** Throws an Error that names the file and the problem. */
export function readSecrets({ cert, key, ca, clientAuth }: TlsSettings): TlsSecrets {
  const secrets = {
    cert: readRegularFile(cert),
    key: readRegularFile(key),
    ca: ca === undefined ? undefined : readRegularFile(ca),
  }
  try {
    createSecureContext(secrets)
  } catch (error) {
    throw new Error(`${cert} and ${key}${ca ? `, ${ca}` : ''}: ${errorMessage(error)}`)
  }
  if (secrets.ca && digestsIn(secrets.ca).length === 0) throw new Error(`${ca} has no certificate (PEM)`)
  if (ca === undefined && clientAuthPolicies[clientAuth].verified) return { ...secrets, ca: systemRoots() }
  return secrets
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

export function policyOf({ ca, clientAuth }: TlsSettings, secrets: TlsSecrets): TlsPolicy {
  return {
    clientAuth,
    clientAuthorities: ca === undefined ? '' : [...new Set(digestsIn(readRegularFile(ca)))].sort().join(' '),
    certificates: digestsIn(secrets.cert).join(' '),
  }
}

/** Digests of the DER: equal for copies of a file. */
function digestsIn(pem: Buffer): string[] {
  return [...pem.toString('latin1').matchAll(certificatePattern)].map(([text]) =>
    createHash('sha256').update(new X509Certificate(text).raw).digest('hex'),
  )
}
