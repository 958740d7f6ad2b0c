import { availableParallelism } from 'node:os'
import { argCount, integer, noBody, value } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { udpShards } from '../../plugin/capabilities/listening.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'

/** UDP threads per listener. The maximum is CoreDNS's. */
const sockets = { min: 1, max: 1024 }

const schema: DirectiveSchema<number> = {
  usage: 'multisocket [COUNT]',
  repeat: 'once',
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 1)
    noBody(directive)
    const [word] = directive.args
    return word ? value(integer(sockets), word, 'multisocket') : availableParallelism()
  },
}

/** Serves UDP from several threads, each with its own socket: the kernel spreads clients over them. */
export const multisocket: Plugin<number> = {
  name: 'multisocket',
  schema,
  setup: (shards) => ({ provides: [provide(udpShards, shards)] }),
}
