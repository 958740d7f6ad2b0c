/** Questions and answers in one form, and what resolvers print turned into it. */
import { canonicalAddress } from '../../src/dns/address.ts'

/** ANY is both families in one call, HOST the older IPv6 or else IPv4 (gethostbyname2). */
export type Kind = 'A' | 'AAAA' | 'ANY' | 'HOST' | 'SRV' | 'TXT' | 'PTR'

/** `KIND:NAME`, or `PTR:ADDRESS`. */
export type Question = `${Kind}:${string}`

/** What was found (addresses as RFC 5952 has them, SRV as TARGET:PORT, names without the last dot), or why nothing. */
export type Answer = readonly string[] | 'not-found' | 'no-data' | (string & {})

/** A line of a program in programs/. */
export function readLine(line: string): [Question, Answer] {
  const [question, text = ''] = line.split('\t')
  const answer = text.startsWith('!') ? text.slice(1) : text.split(' ').filter(Boolean).map(normal)
  return [question as Question, answer]
}

const normal = (text: string) => canonicalAddress(text) ?? text.replace(/\.(?=$|:\d+$)/, '')

/** dig, kdig and drill print messages alike. */
export function fromMessage(output: string, kind: Kind): Answer {
  const lines = output.matchAll(/^\S+\s+\d+\s+IN\s+(\w+)\s+(.*)$/gm)
  const found = [...lines].filter(([, type]) => type === kind).map(([, , data]) => normal(recordData(data!, kind)))
  if (found.length > 0) return found
  const [, rcode] = /(?:status|rcode): (\w+)/.exec(output) ?? []
  return rcode === 'NXDOMAIN' ? 'not-found' : rcode === 'NOERROR' ? 'no-data' : `${rcode ?? output}`
}

function recordData(data: string, kind: Kind): string {
  const words = data.split(' ')
  if (kind === 'SRV') return `${words[3]}:${words[2]}`
  return kind === 'TXT' ? JSON.parse(data) : data
}

export function fromGetent(output: string, kind: Kind): Answer {
  const lines = output.split('\n').map((line) => line.split(/\s+/))
  const column = kind === 'PTR' ? 1 : 0
  const found = lines.map((words) => words[column] ?? '').filter((word) => word !== '' && !word.startsWith('::ffff:'))
  return found.length > 0 ? [...new Set(found)] : 'not-found'
}

export function fromResolvectl(output: string, kind: Kind): Answer {
  if (/ not found$/m.test(output)) return 'not-found'
  if (/does not have any RR/.test(output)) return 'no-data'
  if (kind === 'SRV' || kind === 'TXT') return fromMessage(output.replaceAll(' IN ', ' 0 IN '), kind)
  const words = output
    .replace(/^\S+: /, '')
    .trim()
    .split(/\s+/)
  return kind === 'PTR' ? words : words.filter((word) => canonicalAddress(word))
}

export function fromNslookup(output: string, kind: Kind): Answer {
  const patterns: Readonly<Record<string, RegExp>> = {
    PTR: /name = (\S+)/g,
    SRV: /service = \d+ \d+ (?<port>\d+) (?<target>\S+)/g,
    TXT: /text = "(.*)"/g,
  }
  // The first two lines are about the server.
  const answers = output.split('\n').slice(2).join('\n')
  const found = [...answers.matchAll(patterns[kind] ?? /^Address: (\S+)/gm)]
  if (found.length > 0) return found.map(({ 1: text, groups }) => (groups ? `${groups.target}:${groups.port}` : text!))
  return /NXDOMAIN/.test(answers) ? 'not-found' : 'no-data'
}
