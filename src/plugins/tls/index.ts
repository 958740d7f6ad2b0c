import { type ServerTls, serverTls, type TlsPolicy } from '../../plugin/capabilities/server-tls.ts'
import { provide } from '../../plugin/capability.ts'
import type { FileReading, Held, Plugin, Setup, Shared } from '../../plugin/contract.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'
import { followFiles } from '../../trust/followed-files.ts'
import { inFolder, policyOf, readSecrets } from './certificates.ts'
import { checkKeyLog, openKeyLog } from './key-log.ts'
import { clientAuthPolicies, schema, type TlsSettings } from './settings.ts'

/** Sets the certificates of the block's encrypted listeners. The transports use them. */
export const tls: Plugin<readonly TlsSettings[]> = {
  name: 'tls',
  schema,
  readFiles(all, reading) {
    for (const written of all) {
      const settings = inFolder(written, reading.block.root)
      readPolicy(settings, reading)
      orFail(settings, reading, () => settings.keyLog !== undefined && checkKeyLog(settings.keyLog, reading.log))
    }
  },
  setup(all, setup) {
    // All files must be readable, as in CoreDNS, but only the last directive counts.
    const held = all.map((settings) => acquire(settings, setup))
    return {
      provides: [provide(serverTls, held.at(-1)!.value)],
      stop() {
        for (const each of held) each.release()
      },
    }
  },
}

/** Equal settings are one value in the process, so handshakes and session tickets survive a reload. */
function acquire(written: TlsSettings, setup: Setup): Held<ServerTls> {
  const settings = inFolder(written, setup.block.root)
  const { at, ...identity } = settings
  // First, so that an unreadable file is an error of this Corefile.
  const { certificates } = readPolicy(settings, setup)
  const key = `server tls ${JSON.stringify(identity)} ${certificates}`
  return orFail(settings, setup, () => setup.process.acquire(key, () => open(settings, setup.log)))
}

function orFail<T>({ at }: TlsSettings, { fail }: FileReading, work: () => T): T {
  try {
    return work()
  } catch (error) {
    return fail(`could not open TLS: ${errorMessage(error)}`, at)
  }
}

function readPolicy(settings: TlsSettings, { fail }: FileReading): TlsPolicy {
  try {
    return policyOf(settings, readSecrets(settings))
  } catch (error) {
    return fail(`could not load TLS cert: ${errorMessage(error)}`, settings.at)
  }
}

function open(settings: TlsSettings, log: Logger): Shared<ServerTls> {
  const { cert, key, ca, clientAuth } = settings
  const paths = [cert, key, ...(ca ? [ca] : [])]
  const files = followFiles(
    paths,
    () => readSecrets(settings),
    (error) => log.error(`the new certificate cannot be used, the previous one stays in use: ${errorMessage(error)}`),
  )
  const keyLog = settings.keyLog === undefined ? undefined : openKeyLog(settings.keyLog, log)
  return {
    value: {
      policy: policyOf(settings, files.current()),
      clientAuth: clientAuthPolicies[clientAuth],
      secrets: files.current,
      keyLog: keyLog?.write,
    },
    stop: () => keyLog?.close(),
  }
}
