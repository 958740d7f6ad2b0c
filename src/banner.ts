import { exampleQuestions } from './plugin/capabilities/explain.ts'
import { capabilityOf } from './plugin/capability.ts'
import type { Server } from './server/api.ts'
import { version } from './version.ts'

/** The first texts: zones and addresses as CoreDNS prints them; the versions, and for a person (`examples`) queries to try. */
export function bannerTexts(server: Server, { examples }: { readonly examples: boolean }): readonly string[] {
  const { configuration } = server.current()
  const zones = configuration.listeners.flatMap(({ scheme, address, port, blocks }) =>
    blocks
      .flatMap((block) => block.zones)
      .sort()
      .map((zone) => `${scheme === 'dns' ? '' : `${scheme}://`}${zone}:${port}${address && ` on ${address}`}`),
  )
  const versions = [
    `slicedns-${version}`,
    `${process.platform}/${process.arch}, node ${process.version}, udp by ${server.ingress.udp}`,
    ...(examples ? questionsToTry(server) : []),
  ]
  return [...(zones.length > 0 ? [zones.join('\n')] : []), versions.join('\n')]
}

function questionsToTry(server: Server): string[] {
  const { configuration } = server.current()
  const first = configuration.listeners.find(({ scheme }) => scheme === 'dns')
  if (!first) return []
  const port = first.port === 53 ? '' : ` -p ${first.port}`
  const plugins = configuration.blocks.flatMap((block) => block.plugins)
  return plugins
    .flatMap(({ instance }) => capabilityOf(instance, exampleQuestions)?.() ?? [])
    .map((example) => `try: dig @${first.address || '127.0.0.1'}${port} ${example}`)
}
