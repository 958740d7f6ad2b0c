import { resolve } from 'node:path'
import { dnsClass, opcode, rcode, rcodeName, type, typeName } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { lowerName } from '../../dns/name.ts'
import { replyTo } from '../../dns/reply.ts'
import { takesUpdates } from '../../plugin/capabilities/listening.ts'
import { provide } from '../../plugin/capability.ts'
import type { FileReading, Held, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { readZoneFile } from '../../zone/files.ts'
import { serveZones } from '../../zone/served-zones.ts'
import { dynamicZones } from '../cache/capability.ts'
import { transferSource } from '../transfer/capability.ts'
import { checkZone, isTooLarge } from './check-zone.ts'
import type { ZoneRecords } from './records.ts'
import { type DynupdateSettings, type Permission, schema } from './settings.ts'
import { createZoneStore, type StoreOptions, type ZoneStore } from './store.ts'
import { applyUpdates, checkPrerequisites, checkUpdates } from './update.ts'

const plugin = 'dynupdate'

/** Answers from a zone that signed dynamic updates change (RFC 2136). */
export const dynupdate: Plugin<DynupdateSettings> = {
  name: plugin,
  schema,
  readFiles: (settings, reading) => void orFail(settings, reading, () => createZoneStore(storeOf(settings, reading))),
  setup,
}

function setup(settings: DynupdateSettings, setup: Setup): Instance {
  const { zone, permissions } = settings
  const { fail, log, metrics } = setup
  const updates = metrics.counter('slicedns_dynupdate_updates_total', 'Updates by their response code.', ['rcode'])
  const held = acquireStore(settings, setup)
  const store = held.value
  if (store.origin !== zone) fail(`the database is already used for the zone ${store.origin}`)
  const served = serveZones({
    plugin,
    setup,
    zones: new Map([
      [
        zone,
        {
          get current() {
            return store.zone
          },
        },
      ],
    ]),
    fallthrough: [],
  })
  const watch = store.watch(served.changed)

  async function update(query: Query): Promise<Outcome> {
    const { request, signedWith } = query
    const code = await updateCode(request.answer, request.authority, signedWith)
    updates.with(rcodeName(code)).inc()
    return updated(query, code)
  }

  /** Checks in CoreDNS's order: a key learns nothing about a zone that it may not update. */
  async function updateCode(
    prerequisites: readonly ResourceRecord[],
    changes: readonly ResourceRecord[],
    key: string | undefined,
  ): Promise<number> {
    const own = permissions.filter((permission) => permission.key === key)
    if (own.length === 0) return rcode.REFUSED
    if (prerequisites.length + changes.length > settings.maxUpdateRecords) return rcode.REFUSED
    try {
      return await store.change((records) => nextZone(records, prerequisites, changes, own))
    } catch (error) {
      log.error(`an update of ${zone} cannot be written: ${errorMessage(error)}`)
      return rcode.SERVFAIL
    }
  }

  function nextZone(
    records: ZoneRecords,
    prerequisites: readonly ResourceRecord[],
    changes: readonly ResourceRecord[],
    own: readonly Permission[],
  ): { readonly result: number; readonly next?: ZoneRecords | undefined } {
    const unmet = checkPrerequisites(records, prerequisites)
    if (unmet !== rcode.NOERROR) return { result: unmet }
    const refused = changes.find((record) => !own.some((permission) => permits(permission, record)))
    if (refused) {
      log.debug(`an update of ${refused.name} ${typeName(refused.type)} is not allowed for its key`)
      return { result: rcode.REFUSED }
    }
    const invalid = checkUpdates(zone, changes)
    if (invalid !== rcode.NOERROR) return { result: invalid }
    const next = applyUpdates(records, changes)
    if (next && isTooLarge(next, settings)) {
      log.warning(`an update of ${zone} is refused: the zone would exceed max_records or max_bytes`)
      return { result: rcode.REFUSED }
    }
    return { result: rcode.NOERROR, next }
  }

  const handler: Instance['handler'] = (query, next) => {
    const { request, qtype, qclass, name } = query
    if (request.opcode !== opcode.UPDATE) return served.handler(query, next)
    if (qtype !== type.SOA || qclass !== dnsClass.IN) return updated(query, rcode.FORMERR)
    // Not passed on: another plugin of the block could answer NOERROR and change nothing.
    if (name !== zone) return updated(query, rcode.NOTAUTH)
    return update(query)
  }

  return {
    handler,
    provides: [
      ...served.provides,
      provide(transferSource, served.transferable),
      provide(takesUpdates, true),
      provide(dynamicZones, { zones: [zone], handler: served.handler }),
    ],
    serving() {
      // Not earlier: a configuration that cannot start must not leave a database behind.
      store
        .open()
        .catch((error: unknown) => log.error(`the database of ${zone} cannot be created: ${errorMessage(error)}`))
    },
    stop() {
      watch.stop()
      served.stop()
      held.release()
    },
  }
}

function acquireStore(settings: DynupdateSettings, setup: Setup): Held<ZoneStore> {
  const options = storeOf(settings, setup)
  const { database } = options
  return orFail(settings, setup, () => {
    if (database !== undefined)
      return setup.process.acquire(`dynupdate ${database}`, () => {
        const value = createZoneStore(options)
        return { value, stop: value.close }
      })
    // In memory each configuration has its own zone, as in CoreDNS.
    const value = createZoneStore(options)
    return { value, release: () => void value.close() }
  })
}

function storeOf(settings: DynupdateSettings, { block, clock, log }: FileReading): StoreOptions {
  const { zone, database } = settings
  const seedFile = resolve(block.root, settings.file)
  return {
    origin: zone,
    database: database === undefined ? undefined : resolve(block.root, database),
    seedFile,
    seed: () => readZoneFile(seedFile, zone, settings.maxRecords),
    check: (records) => checkZone(records, settings),
    clock,
    warning: log.warning,
  }
}

function orFail<T>({ zone }: DynupdateSettings, { fail }: FileReading, work: () => T): T {
  try {
    return work()
  } catch (error) {
    return fail(`cannot load zone "${zone}": ${errorMessage(error)}`)
  }
}

const updated = ({ request }: Query, code: number): Outcome => ({
  kind: 'reply',
  message: replyTo(request, { rcode: code, authoritative: true }),
  plugin,
})

const permits = ({ name, types }: Permission, record: ResourceRecord): boolean =>
  (name === 'any' || name === lowerName(record.name)) && (types === 'any' || types.has(record.type))
