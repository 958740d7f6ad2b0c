import { createHash } from 'node:crypto'
import { replyTo } from '../../dns/reply.ts'
import type { TsigKey } from '../../dns/tsig.ts'
import { tsigKeys } from '../../plugin/capabilities/tsig-keys.ts'
import { provide } from '../../plugin/capability.ts'
import type { Held, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import type { ServedZone } from '../../zone/handler.ts'
import { serveZones } from '../../zone/served-zones.ts'
import { type FollowedPrimaries, followPrimaries } from '../../zone/transfer-in/followed-primaries.ts'
import { holdTransferPlaces } from '../../zone/transfer-in/places.ts'
import { holdZoneMemory } from '../../zone/zone-memory.ts'
import { transferSource } from '../transfer/capability.ts'
import { type SecondarySettings, type SecondaryZone, schema } from './settings.ts'

const plugin = 'secondary'

/** Answers from zones that it transfers from their primaries. */
export const secondary: Plugin<SecondarySettings> = { name: plugin, schema, setup }

/** A zone of this configuration. Its contents outlive a reload. */
interface Secondary extends ServedZone {
  readonly settings: SecondaryZone
  followed: FollowedPrimaries | undefined
}

function setup(settings: SecondarySettings, setup: Setup): Instance {
  const { block, clock, fail, log, metrics, process } = setup
  const failures = metrics.counter(
    'slicedns_secondary_failures_total',
    'Checks of zones in which no primary gave an answer that could be used.',
    ['zone'],
  )
  const zones = new Map(settings.zones.map((each) => [each.zone, secondaryOf(each)]))
  const served = serveZones({ plugin, setup, zones, fallthrough: settings.fallthrough, notify })
  const memory = holdZoneMemory(process)
  const places = holdTransferPlaces(process, clock)
  const held: Held<unknown>[] = [memory, places]
  const watches: { stop(): void }[] = []

  function notify(query: Query, name: string): Outcome {
    const zone = zones.get(name)!
    if (!zone.settings.primaries.some(({ address }) => address === query.client.address)) {
      log.info(`Dropping notify from ${query.client.address} for ${name}`)
      return { kind: 'drop', plugin }
    }
    zone.followed?.notified()
    return { kind: 'reply', message: replyTo(query.request, { authoritative: true }), plugin }
  }

  function start(zone: Secondary): void {
    const { settings: at } = zone
    const key = keyOf(at)
    const followed = process.acquire(identity(at, key), () => {
      const value = followPrimaries({
        zone: at.zone,
        primaries: at.primaries,
        key,
        memory: memory.value,
        places: places.value,
        clock,
        log,
        onFailure: () => failures.with(at.zone).inc(),
      })
      return { value, start: value.start, stop: value.stop }
    })
    held.push(followed)
    zone.followed = followed.value
    watches.push(followed.value.watch(served.changed))
  }

  function keyOf({ key, at }: SecondaryZone): TsigKey | undefined {
    if (key === undefined) return undefined
    return (
      block.capability(tsigKeys)?.find(key) ??
      fail(`the key ${key} is not defined: 'tsig' of the block must have it`, at)
    )
  }

  return {
    handler: served.handler,
    provides: [...served.provides, provide(transferSource, served.transferable)],
    start() {
      for (const zone of zones.values()) start(zone)
      served.changed()
    },
    stop() {
      for (const watch of watches) watch.stop()
      for (const each of held) each.release()
      served.stop()
    },
  }
}

function secondaryOf(settings: SecondaryZone): Secondary {
  return {
    settings,
    followed: undefined,
    get current() {
      return this.followed?.current
    },
  }
}

/** Equal for a zone that two configurations can share. The key is hashed, because identities may be logged. */
function identity({ zone, primaries }: SecondaryZone, key: TsigKey | undefined): string {
  const secret = key && createHash('sha256').update(key.secret).digest('hex')
  const servers = primaries.map(({ address, port }) => `${address} ${port}`)
  return ['secondary', zone, ...servers, key?.name, key?.algorithm, secret].join(' ')
}
