/** The certificate of a listener for sinks. */
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { ListenerCertificate, TapSettings } from './settings.ts'

export interface ListenerSecrets {
  readonly cert: Buffer
  readonly key: Buffer
  /** Of the clients; undefined: they need no certificate. */
  readonly ca: Buffer | undefined
}

export const noCertificate = 'TLS listener requires cert and key files'

export const failedToStart = (address: string, error: unknown): string =>
  `Failed to start dnstap listener ${address}: ${errorMessage(error)}`

/** Throws where a file cannot be read, or is of no use. */
export function readListenerSecrets({ certificate, key, authority }: ListenerCertificate): ListenerSecrets {
  const secrets = {
    ca: authority === undefined ? undefined : readFileSync(authority),
    cert: readFileSync(certificate),
    key: readFileSync(key),
  }
  createSecureContext(secrets)
  return secrets
}

/** Logs what the start would: a listener that cannot be is left out, and the server starts. */
export function checkListener({ address, endpoint, listens, certificate }: TapSettings, log: Logger): void {
  if (!listens || endpoint.kind !== 'tls') return
  if (certificate === undefined) log.warning(noCertificate)
  try {
    if (certificate) readListenerSecrets(certificate)
  } catch (error) {
    log.error(failedToStart(address, error))
  }
}
