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

/** Throws if a file cannot be read, or if TLS does not accept it. */
export function readListenerSecrets({ certificate, key, authority }: ListenerCertificate): ListenerSecrets {
  const secrets = {
    ca: authority === undefined ? undefined : readFileSync(authority),
    cert: readFileSync(certificate),
    key: readFileSync(key),
  }
  createSecureContext(secrets)
  return secrets
}

/** Logs what the start would log: the server starts without a listener that it cannot open. */
export function checkListener({ address, endpoint, listens, certificate }: TapSettings, log: Logger): void {
  if (!listens || endpoint.kind !== 'tls') return
  if (certificate === undefined) log.warning(noCertificate)
  try {
    if (certificate) readListenerSecrets(certificate)
  } catch (error) {
    log.error(failedToStart(address, error))
  }
}
