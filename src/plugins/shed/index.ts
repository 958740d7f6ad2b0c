import { argCount, fail } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { loadShedding } from '../../plugin/capabilities/load-shedding.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'

const schema: DirectiveSchema<undefined> = {
  usage: 'shed',
  repeat: 'once',
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 0)
    const [option] = directive.body ?? []
    if (option) throw fail('shed takes no options', option)
    return undefined
  },
}

/** Makes the transports drop UDP queries and replies under overload instead of answering SERVFAIL. */
export const shed: Plugin<undefined> = {
  name: 'shed',
  schema,
  plainDnsOnly: true,
  setup(_settings, { metrics }) {
    const dropped = metrics.counter(
      'coredns_shed_dropped_total',
      'Counter of queries and responses dropped, per server, by reason.',
      ['server', 'reason'],
    )
    return {
      handler: (query, next) => next(query),
      provides: [
        provide(relayPassage, passesEverything),
        provide(loadShedding, (server) => ({
          queries: dropped.with(server, 'query'),
          responses: dropped.with(server, 'response'),
        })),
      ],
    }
  },
}
