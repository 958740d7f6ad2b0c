import { createHash } from 'node:crypto'
import { lookup as lookUpSystem } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { resolve } from 'node:path'
import type { SecureContext } from 'node:tls'
import { readRegularFile } from '../../corefile/regular-file.ts'
import { explainLines } from '../../plugin/capabilities/explain.ts'
import { type OwnNames, ownNames } from '../../plugin/capabilities/own-names.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { provide } from '../../plugin/capability.ts'
import type { FileReading, Held, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { zoneMatcher } from '../../plugin/name-matcher.ts'
import { ownAddresses } from '../../plugin/own-addresses.ts'
import { transparencyOf } from '../../plugin/transparency-of.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { followFiles } from '../../trust/followed-files.ts'
import { type ClientCertificates, readClientCertificates } from '../../upstream/client-certificates.ts'
import { dynamicZones } from '../cache/capability.ts'
import { type Copy, openCopy } from './copy.ts'
import { createHandler } from './handler.ts'
import { rangesOf, segmentsOfPath } from './keys.ts'
import { createEtcdMetrics } from './metrics.ts'
import { createRecords } from './records.ts'
import type { Service } from './service.ts'
import { createServices } from './services.ts'
import { type EtcdSettings, schema } from './settings.ts'

/** Answers from services in etcd, as SkyDNS writes them. */
export const etcd: Plugin<EtcdSettings> = {
  name: 'etcd',
  schema,
  readFiles(settings, { block, fail }) {
    orFail(settings, fail, () => readCertificates(settings, block.root))
  },
  setup: setUp,
}

/** Seconds, for a service without TTL and lease. */
const defaultTtl = 300
/**
 * Bounds on the copy: a key takes about a kibibyte, so keys, like all octets together, take at most an eighth of the
 * limit.
 */
const limitPerKey = 8 << 10
const partOfLimit = 1 / 8

interface SharedCopy {
  readonly copy: Copy
  /** Set by the newest configuration: endpoints may be Services of a cluster that this server answers for. */
  names: OwnNames | undefined
}

function setUp(settings: EtcdSettings, setup: Setup): Instance {
  const { block, clock, directive, log, metrics, process } = setup
  const path = segmentsOfPath(settings.path)
  const secureContext = followCertificates(settings, setup)
  const { limit } = process.limits.memory
  let shared: Held<SharedCopy> | undefined
  const acquire = (): Held<SharedCopy> =>
    process.acquire(`etcd ${keyOf(settings, block.root)}`, () => {
      const value: SharedCopy = {
        names: undefined,
        copy: openCopy({
          endpoints: settings.endpoints,
          credentials: settings.credentials,
          secureContext,
          lookup: lookupBy(() => value.names),
          ranges: rangesOf(path, settings.zones),
          most: { keys: Math.floor(limit / limitPerKey), octets: Math.floor(limit * partOfLimit) },
          clock,
          log,
          metrics: createEtcdMetrics(metrics, settings.path),
        }),
      }
      return { value, stop: value.copy.stop }
    })

  // No query comes before the start.
  const copy = (): Copy => (shared as Held<SharedCopy>).value.copy
  const handler = createHandler({
    zones: settings.zones,
    fallthrough: settings.fallthrough,
    clock,
    records: createRecords({
      path,
      services: createServices(path, () => copy().current()),
      ttlOf: (service) => ttlOf(service, copy(), settings),
      apexFallback: settings.apexFallback,
    }),
  })
  const rules = settings.zones.map((zone) => ({
    names: zoneMatcher(zone),
    reason: `etcd answers for ${zone}`,
    at: directive.at,
  }))
  return {
    handler,
    provides: [
      provide(transparency, transparencyOf(rules)),
      provide(dynamicZones, { zones: settings.zones, handler }),
      provide(ownNames, (names) => {
        if (shared) shared.value.names = names
      }),
      provide(explainLines, () => [`the keys below ${settings.path} are ${copy().state}`]),
    ],
    start() {
      shared = acquire()
    },
    stop: () => shared?.release(),
  }
}

/** The shorter of the service's TTL and the rest of its lease. */
function ttlOf(service: Service, copy: Copy, { minLeaseTtl, maxLeaseTtl }: EtcdSettings): number {
  if (service.lease === 0n) return service.ttl || defaultTtl
  const left = Math.floor(copy.remaining(service) ?? 0)
  // If the minimum exceeds the maximum, the minimum is applied first, as in CoreDNS.
  const ofLease = left < minLeaseTtl ? minLeaseTtl : Math.min(left, maxLeaseTtl)
  return service.ttl ? Math.min(service.ttl, ofLease) : ofLease
}

/** Equal settings share a copy, across reloads, too. */
const keyOf = ({ zones, path, endpoints, credentials, tls }: EtcdSettings, root: string): string =>
  createHash('sha256')
    .update(JSON.stringify([zones, path, endpoints, credentials, tls, tls && root]))
    .digest('hex')

/** Renewed certificates are used from the next connection on. */
function followCertificates(settings: EtcdSettings, { block, fail, log }: Setup): () => SecureContext {
  const { tls } = settings
  const paths = [tls?.cert, tls?.key, tls?.ca].flatMap((file) => (file ? resolve(block.root, file) : []))
  const read = () => readCertificates(settings, block.root)
  const files = orFail(settings, fail, () =>
    followFiles(paths, read, (error) => log.error(`tls: ${errorMessage(error)}`)),
  )
  let used: ClientCertificates | undefined
  let context: SecureContext | undefined
  return () => {
    const certificates = files.current()
    if (certificates !== used || !context) context = certificates.create()
    used = certificates
    return context
  }
}

const readCertificates = ({ tls }: EtcdSettings, folder: string): ClientCertificates =>
  readClientCertificates(tls, (file) => readRegularFile(resolve(folder, file)))

function orFail<T>({ at }: EtcdSettings, fail: FileReading['fail'], read: () => T): T {
  try {
    return read()
  } catch (error) {
    return fail(`tls: ${errorMessage(error)}`, at)
  }
}

/** Resolves host names of endpoints, first from the names that this server itself has. */
function lookupBy(names: () => OwnNames | undefined): LookupFunction {
  return (host, options, callback) => {
    const own = names()
    if (!own) return lookUpSystem(host, options, callback)
    void ownAddresses(host, own).then(
      (found) => {
        if (found === undefined) return lookUpSystem(host, options, callback)
        if (found === 'unavailable' || found.length === 0) {
          const state = found === 'unavailable' ? 'its zone cannot answer yet' : 'it has no address'
          return callback(new Error(`cannot resolve ${host}: ${state}`), '')
        }
        const all = found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
        if (options.all) return callback(null, all)
        callback(null, all[0].address, all[0].family)
      },
      (error: Error) => callback(error, ''),
    )
  }
}
