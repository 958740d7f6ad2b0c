import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { custom, fail, type Kind, readBody, value } from '../../corefile/read.ts'
import type { DirectiveSchema, Token } from '../../corefile/schema.ts'
import { listenAddresses } from '../../plugin/capabilities/listening.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { addressesOf, type Interfaces } from './interfaces.ts'

/** One `bind` line. Its words depend on the machine's interfaces, so set-up resolves them. */
interface BindLine {
  readonly words: readonly Token[]
  readonly except: readonly Token[]
}

/**
 * An interface name on Linux: at most 15 octets, no slash, no colon, no blank. Braces, stars, quotes, and numbers would
 * be allowed, too, but are mistakes here.
 */
const isInterface = (word: string): boolean => /^[^/:\s{}*"]{1,15}$/.test(word) && !/^-?[\d.]+$/.test(word)

const place: Kind<string> = {
  expected: 'an IP address or the name of an interface, without a port',
  parse: (word) => ((isIP(word) && !word.includes('%')) || isInterface(word) ? word : undefined),
}

const checked = (words: readonly Token[], of: string): readonly Token[] => {
  for (const word of words) value(place, word, of)
  return words
}

const rows = {
  // The last line counts, as in CoreDNS.
  except: custom<readonly Token[], readonly Token[]>({ min: 1 }, ({ args }) => checked(args, 'except'), {
    default: [],
  }),
}

const schema: DirectiveSchema<readonly BindLine[]> = {
  usage: 'bind ADDRESS|INTERFACE... { except ADDRESS|INTERFACE... }',
  repeat: 'many',
  read({ occurrences }) {
    return occurrences.map((directive) => {
      if (directive.args.length === 0) throw fail('at least one address or interface name is expected', directive)
      return { words: checked(directive.args, 'bind'), except: readBody(directive, rows).except }
    })
  },
}

/** Listens on the named addresses only. */
export const bind = createBind(networkInterfaces)

/** `interfaces` gives the machine's interfaces with their addresses; tests pass their own. */
export function createBind(interfaces: () => Interfaces): Plugin<readonly BindLine[]> {
  return {
    name: 'bind',
    schema,
    setup(lines, setup) {
      const machine = interfaces()
      const lookUp = (word: Token): readonly string[] =>
        addressesOf(word.text, machine) ??
        setup.fail(`'${word.text}' is neither an IP address nor an interface of this machine`, word.at)
      // A repeated address is kept: the server refuses to serve a zone on it twice.
      const bound = lines.flatMap(({ words, except }) => {
        const excluded = new Set(except.flatMap(lookUp))
        return words.flatMap(lookUp).filter((address) => !excluded.has(address))
      })
      if (bound.length === 0) setup.fail("'except' leaves no address to listen on")
      return { provides: [provide(listenAddresses, bound)] }
    },
  }
}
