import { argCount, fail, network, noBody, oneOf, value } from '../../corefile/read.ts'
import type { DirectiveSchema, Token } from '../../corefile/schema.ts'
import type { Prefix } from '../../dns/address.ts'
import { extendedErrors } from '../../plugin/capabilities/extended-errors.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { type ExtendedErrorPolicy, silentPolicy } from '../../plugin/extended-error.ts'

const plugin = 'extended_errors'

const schema: DirectiveSchema<ExtendedErrorPolicy> = {
  usage: `${plugin} off | text NETWORKS...`,
  repeat: 'once',
  read({ occurrences: [directive] }) {
    argCount(directive, 1)
    noBody(directive)
    const [word, ...networks] = directive.args
    if (value(oneOf(['off', 'text']), word!, plugin) === 'off') {
      if (networks.length > 0) throw fail(`unexpected '${networks[0]!.text}' after 'off'`, networks[0]!)
      return silentPolicy
    }
    if (networks.length === 0) throw fail(`'text' must be followed by networks, such as 10.0.0.0/8`, word!)
    return { off: false, textFor: networks.map(readNetwork) }
  },
}

function readNetwork(word: Token): Prefix {
  const { bytes, length } = value(network({ orAddress: true }), word, plugin)
  return { address: bytes, bits: length }
}

/** Declares which clients get extended errors, which the server writes. */
export const extendedErrorsPlugin: Plugin<ExtendedErrorPolicy> = {
  name: plugin,
  schema,
  setup: (policy) => ({
    provides: [provide(extendedErrors, policy), provide(relayPassage, passesEverything)],
  }),
}
