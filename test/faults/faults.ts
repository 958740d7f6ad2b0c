/** What goes wrong, one thing each: how it begins, and how it ends. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answering, silent } from '../support/upstream.ts'
import { outsideAddress } from './judge.ts'
import type { World } from './world.ts'

export interface TestFault {
  readonly name: string
  /** What of the world it takes: two with one in common do not happen at the same time. */
  readonly of: 'api' | 'upstream' | 'corefile' | 'process' | 'disk'
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
const inWatches = (name: string, send: (world: World) => void): TestFault => ({
  name,
  of: 'api',
  begin(world) {
    world.doubt()
    send(world)
    return () => undefined
  },
})

/** Always the same of the two upstreams: it may count as down for a while after its fault. */
const oneUpstream = (name: string, script: typeof silent): TestFault => ({
  name,
  of: 'upstream',
  begin({ upstreams: [upstream] }) {
    upstream.script = script
    return () => {
      upstream.script = answering(outsideAddress, 0)
    }
  },
})

export const faults: readonly TestFault[] = [
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
  refused('the API server accepts and says nothing', { stall: true }),
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
  {
    name: 'the token is changed',
    of: 'api',
    begin({ api, doubt, random }) {
      doubt()
      const token = `token-${random.below(1e9)}`
      api.token = token
      api.endWatches()
      return () => writeFileSync(join(api.folder, 'token'), token)
    },
  },
  oneUpstream('an upstream is silent', silent),
  oneUpstream('an upstream answers SERVFAIL', ({ reply }) => reply({ rcode: 2 })),
  oneUpstream('an upstream sends garbage', ({ send }) => send(Buffer.from('not a message at all'))),
  oneUpstream('an upstream answers with another ID', ({ reply }) => reply({}, { id: 4711 })),
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
    name: 'the process is stopped for a moment',
    of: 'process',
    begin(world) {
      world.doubt()
      world.server().signal('SIGSTOP')
      return () => world.server().signal('SIGCONT')
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
