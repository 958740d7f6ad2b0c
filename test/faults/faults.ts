/** What goes wrong, one thing each: how it begins, and how it ends. */
import { mkdirSync, rmSync } from 'node:fs'
import { clockFaults } from './clock-faults.ts'
import { credentialFaults } from './credential-faults.ts'
import { processFaults } from './process-faults.ts'
import { upstreamFaults } from './upstream-faults.ts'
import type { World } from './world.ts'

export type Part = 'api' | 'upstream' | 'corefile' | 'process' | 'disk' | 'clock' | 'memory'

export interface TestFault {
  readonly name: string
  /** What of the world it takes: two with one in common do not happen at the same time. */
  readonly of: Part
  /** Nor one of this part. */
  readonly notWith?: Part
  /** Whether this machine, and this server, can have it. Default: it can. */
  readonly isPossible?: (world: World) => boolean
  /** Takes more than a few seconds: not for every run of the tests. */
  readonly isLong?: boolean
  /** Begins it; gives what ends it. */
  /** Why it cannot happen to CoreDNS. */
  readonly notToCoreDns?: string
  begin(world: World): (() => void | Promise<void>) | Promise<() => void | Promise<void>>
}

const resources = ['services', 'endpointslices', 'namespaces']

/** Every request of the API gets this, and open watches end, so that there are some. */
const refused = (name: string, respond: Parameters<World['api']['fault']>[0]['respond']): TestFault => ({
  name,
  of: 'api',
  begin({ api, doubt }) {
    doubt()
    const fault = api.fault({ on: 'any', respond, times: Number.POSITIVE_INFINITY })
    api.endWatches()
    return fault.remove
  },
})

/** Something that comes into the open watches. */
const inWatches = (name: string, send: (world: World) => void | (() => Promise<void>)): TestFault => ({
  name,
  of: 'api',
  begin(world) {
    world.doubt()
    return send(world) ?? (() => undefined)
  },
})

export const apiFaults: readonly TestFault[] = [
  {
    name: 'the API server is killed',
    of: 'api',
    begin({ api, doubt }) {
      doubt()
      api.kill()
      return () => api.restart()
    },
  },
  {
    name: 'the API server is killed, and comes back without its history',
    of: 'api',
    begin({ api, doubt }) {
      doubt()
      api.kill()
      return async () => {
        api.compact()
        await api.restart()
      }
    },
  },
  inWatches('the history is compacted', ({ api }) => {
    api.compact()
    api.endWatches()
  }),
  inWatches('watches end', ({ api }) => api.endWatches()),
  inWatches('connections are told to go away', ({ api }) => api.goAway()),
  refused('the API server answers 401', { status: 401, reason: 'Unauthorized' }),
  refused('the API server answers 403', { forbidden: true }),
  refused('the API server answers 410', { status: 410, reason: 'Expired' }),
  refused('the API server answers 429', { status: 429, reason: 'TooManyRequests', headers: { 'retry-after': '1' } }),
  refused('the API server answers 500', { status: 500, reason: 'InternalError' }),
  refused('the API server resets connections', { drop: true }),
  refused('the API server accepts connections and never replies', { stall: true }),
  refused('the API server answers with garbage', { octets: Buffer.from('<html>nope'), contentType: 'text/html' }),
  refused('lists are cut off', {
    octets: Buffer.from('{"kind":"ServiceList","items":['),
    contentType: 'application/json',
  }),
  inWatches('watches get garbage', ({ api, random }) => {
    const octets = Buffer.from(Array.from({ length: 64 }, () => random.below(256)))
    for (const resource of resources) api.bytes(resource, octets)
  }),
  {
    name: 'watches freeze in the middle of an event',
    of: 'api',
    begin({ api, doubt }) {
      doubt()
      // The length of a frame that never comes whole.
      for (const resource of resources) api.bytes(resource, Buffer.from([0, 0, 1, 0, 10, 5]))
      return () => api.endWatches()
    },
  },
  inWatches('events are repeated, the older behind the newer', ({ api, model }) => {
    const older = model.lastSlice()
    for (let i = 0; i < 20; i++) model.change()
    if (older) api.event('endpointslices', 'MODIFIED', older)
    for (const slice of api.store.list('EndpointSlice').slice(0, 5)) api.event('endpointslices', 'MODIFIED', slice)
  }),
  inWatches('watches are told that they are too old', ({ api }) => {
    for (const resource of resources) api.event(resource, 'ERROR', api.status(410, 'Expired'))
  }),
  inWatches('watches are told of an error of the server', ({ api }) => {
    for (const resource of resources) api.event(resource, 'ERROR', api.status(500, 'InternalError'))
  }),
  inWatches('connections end in the middle of an event', ({ api }) => {
    for (const resource of resources) api.bytes(resource, Buffer.from([0, 0, 1, 0, 10, 5, 65]))
    api.kill()
    return api.restart
  }),
  inWatches('events that are known come once more, as new ones', ({ api }) => {
    for (const slice of api.store.list('EndpointSlice')) api.event('endpointslices', 'ADDED', slice)
    for (const service of api.store.list('Service')) api.event('services', 'ADDED', service)
  }),
  inWatches('bookmarks come in a row', ({ api }) => {
    for (let i = 0; i < 20; i++) api.bookmark()
  }),
]

export const otherFaults: readonly TestFault[] = [
  {
    name: 'the Corefile is changed, and changed again',
    of: 'corefile',
    async begin(world) {
      for (let i = 0; i < 5; i++) {
        world.writeCorefile(
          `change ${world.random.below(1e9)}`,
          world.random.pick(['', 'log . {\nclass denial\n}', 'bufsize 1232', 'nope nope']),
        )
        world.server().signal('SIGUSR1')
      }
      return () => {
        world.writeCorefile(`back ${world.random.below(1e9)}`)
        world.server().signal('SIGUSR1')
      }
    },
  },
  {
    name: 'the snapshot cannot be written',
    of: 'disk',
    notToCoreDns: 'it keeps no snapshot',
    begin({ snapshots }) {
      rmSync(snapshots, { recursive: true, force: true })
      mkdirSync(snapshots)
      return () => rmSync(snapshots, { recursive: true, force: true })
    },
  },
]

export const faults: readonly TestFault[] = [
  ...apiFaults,
  ...credentialFaults,
  ...otherFaults,
  ...upstreamFaults,
  ...processFaults,
  ...clockFaults,
]
