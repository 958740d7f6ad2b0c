import { resolve } from 'node:path'
import {
  argCount,
  fail,
  fallthrough,
  ipAndPort,
  list,
  normalizeZone,
  oneOf,
  option,
  readBody,
  text,
} from '../../corefile/read.ts'
import { readRegularFile } from '../../corefile/regular-file.ts'
import type { Directive, DirectiveSchema, Position, Token } from '../../corefile/schema.ts'
import { type CertificateFiles, certificateFiles } from '../../upstream/client-certificates.ts'
import type { GrpcTarget } from '../../upstream/grpc.ts'
import { nameserversOf } from '../../upstream/resolv-conf.ts'

export interface GrpcSettings {
  readonly from: string
  /** TO words: servers, and files that list servers. */
  readonly to: readonly (GrpcTarget | { readonly file: Token })[]
  readonly except: readonly string[]
  /** Undefined without `tls`. */
  readonly tls: CertificateFiles | undefined
  readonly tlsServerName: string
  readonly policy: 'random' | 'round_robin' | 'sequential'
  readonly fallthrough: readonly string[] | undefined
  readonly at: Position
}

export const maxTargets = 15
/** CoreDNS's port of a TO without one. */
const defaultPort = 53
const unixPrefix = 'unix://'

const rows = {
  except: list(text, { repeat: 'append', default: [] }),
  tls: list(text, { min: 0, max: 3 }),
  tls_servername: option(text, { default: '', closes: true }),
  policy: option(oneOf(['random', 'round_robin', 'sequential']), { default: 'random' as const, closes: true }),
  fallthrough: fallthrough(),
}

export const schema: DirectiveSchema<GrpcSettings> = {
  usage: 'grpc FROM TO... { options }',
  repeat: 'once',
  read({ occurrences: [directive] }) {
    argCount(directive, 2)
    const [fromWord, ...toWords] = directive.args
    const [from] = normalizeZone(fromWord.text)
    if (from === undefined) throw fail(`'${fromWord.text}' is not a zone`, fromWord)
    const options = readBody(directive, rows)
    return {
      from,
      to: readTargets(directive, toWords),
      except: options.except.flatMap(normalizeZone),
      tls: options.tls && certificateFiles(options.tls),
      tlsServerName: options.tls_servername,
      policy: options.policy,
      fallthrough: options.fallthrough,
      at: directive.at,
    }
  },
}

function readTargets(directive: Directive, words: readonly Token[]): GrpcSettings['to'] {
  if (words.length > maxTargets) throw fail(`more than ${maxTargets} TOs configured: ${words.length}`, directive)
  return words.map((word) => {
    const place = ipAndPort(defaultPort).parse(word.text.replace(/^(dns|grpc):\/\//, ''))
    if (place) return { address: place.host, port: place.port }
    if (word.text.startsWith(unixPrefix)) return { path: socketPath(word) }
    if (word.text.includes('://'))
      throw fail(`'${word.text}' is not an IP address or a file like /etc/resolv.conf`, word)
    return { file: word }
  })
}

function socketPath(word: Token): string {
  const path = word.text.slice(unixPrefix.length)
  if (!path.startsWith('/'))
    throw fail(`'${word.text}' must name a socket by its absolute path, such as ${unixPrefix}/run/dns.sock`, word)
  return path
}

/** The servers, including those that the files list now. Throws ConfigError. */
export function readServers({ to }: GrpcSettings, folder: string): readonly GrpcTarget[] {
  return to.flatMap((target) => {
    if (!('file' in target)) return [target]
    const { file } = target
    try {
      const addresses = nameserversOf(readRegularFile(resolve(folder, file.text)).toString('utf8'))
      return addresses.map((address) => ({ address, port: defaultPort }))
    } catch {
      throw fail(`'${file.text}' is not an IP address or a file that can be read`, file)
    }
  })
}
