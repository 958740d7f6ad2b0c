/** Certificates and tokens that are replaced, late and early, as the kubelet writes them: all files of a volume at once. */
import { createAuthority } from '../support/api-server/certificates.ts'
import { until } from '../support/until.ts'
import type { TestFault } from './faults.ts'
import type { World } from './world.ts'

/** Milliseconds that a certificate is valid for which expires while it is used. */
const shortLife = 1_000

/** As an API server that is started anew: who was connected must come again. */
async function reconnect({ api }: World): Promise<void> {
  api.kill()
  await api.restart()
}

const ofApi = (name: string, begin: TestFault['begin']): TestFault => ({
  name,
  of: 'api',
  begin(world) {
    world.doubt()
    return begin(world)
  },
})

export const credentialFaults: readonly TestFault[] = [
  ofApi('the token is changed, and its file later', ({ api, identity, random }) => {
    const token = `token-${random.below(1e9)}`
    api.token = token
    api.endWatches()
    return () => identity.volume.write({ token })
  }),
  ofApi('the token is changed, as its file', ({ api, identity, random }) => {
    const token = `token-${random.below(1e9)}`
    api.token = token
    identity.volume.write({ token })
    api.endWatches()
    return () => undefined
  }),
  ofApi("the API server's certificate is renewed", async (world) => {
    world.api.renewCertificate()
    await reconnect(world)
    return () => undefined
  }),
  ofApi("the API server's CA is replaced, and its file later", async (world) => {
    const authority = createAuthority()
    world.api.renewCertificate(authority)
    await reconnect(world)
    return () => world.identity.volume.write({ 'ca.crt': authority.cert })
  }),
  ofApi("the API server's CA is replaced by way of a file with both", async (world) => {
    const { api, identity } = world
    const authority = createAuthority()
    identity.volume.write({ 'ca.crt': api.authority.cert + authority.cert })
    api.renewCertificate(authority)
    await reconnect(world)
    return () => identity.volume.write({ 'ca.crt': authority.cert })
  }),
  ofApi('the client certificate is renewed', ({ api, identity }) => {
    const { cert, key } = identity.clients.issue()
    identity.volume.write({ 'tls.crt': cert, 'tls.key': key })
    api.goAway()
    api.endWatches()
    return () => undefined
  }),
  ofApi('the client certificate expires, and is renewed later', async (world) => {
    const { api, identity } = world
    const expiry = Date.now() + shortLife
    const short = identity.clients.issue({ notAfter: new Date(expiry) })
    identity.volume.write({ 'tls.crt': short.cert, 'tls.key': short.key })
    await reconnect(world)
    await until(() => {
      if (Date.now() <= expiry) throw new Error('it is valid')
    })
    api.endWatches()
    return () => {
      const { cert, key } = identity.clients.issue()
      identity.volume.write({ 'tls.crt': cert, 'tls.key': key })
    }
  }),
]
