/**
 * CoreDNS's answers as data files: recorded/cluster.json (the objects, as the API server had them) and one file for each
 * configuration. Written by `npm run conformance -- --record`, replayed by recorded.test.ts.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dnsClass, opcode, type, typeName, typeNumber } from '../../src/dns/codes.ts'
import { lowerName } from '../../src/dns/name.ts'
import { canonical, describe, wantedOf } from './compare.ts'
import type { Configuration } from './configuration.ts'
import type { KubernetesObject } from './objects.ts'
import { hasCache } from './pairing.ts'
import { type Ask, ask, edns } from './queries.ts'
import { isOfUpstream } from './upstream.ts'

const folder = join(import.meta.dirname, 'recorded')
const pluginFolder = join(folder, 'plugins')
const clusterFile = 'cluster.json'
/** Questions kept of a configuration; the first one, kubeadm's, keeps more. */
const keptQuestions = 500
const keptOfDefault = 3_000
const keptOfPlugin = 150

export interface Recording {
  readonly coredns: string
  readonly configuration: string
  /** Distinct replies: lines of compare.ts, `@` for the question's name. */
  readonly replies: readonly (readonly string[])[]
  /** Name → way of asking → index of the reply. */
  readonly questions: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export function readCluster(): KubernetesObject[] {
  return JSON.parse(readFileSync(join(folder, clusterFile), 'utf8'))
}

export const readRecordings = (): Recording[] => readFolder(folder)

/** Those of plugins (plugins/), which need no cluster. */
export const readPluginRecordings = (): Recording[] => readFolder(pluginFolder)

function readFolder(path: string): Recording[] {
  return readdirSync(path)
    .filter((file) => file.endsWith('.json') && file !== clusterFile)
    .map((file) => JSON.parse(readFileSync(join(path, file), 'utf8')))
}

export interface Case {
  readonly asked: Ask
  readonly wanted: readonly string[]
}

export function casesOf({ questions, replies }: Recording): Case[] {
  return Object.entries(questions).flatMap(([name, ways]) =>
    Object.entries(ways).map(([way, reply]) => {
      const asked = readWay(name, way)
      return { asked, wanted: wantedOf(asked, expanded(replies[reply]!, name)) }
    }),
  )
}

export function writeCluster(objects: readonly KubernetesObject[]): void {
  mkdirSync(folder, { recursive: true })
  const lines = objects.map((object) => JSON.stringify(object))
  writeFileSync(join(folder, clusterFile), `[\n${lines.join(',\n')}\n]\n`)
}

export function coreDnsVersion(program: string): string {
  return /CoreDNS-(\S+)/.exec(execFileSync(program, ['-version'], { encoding: 'utf8' }))?.[1] ?? 'unknown'
}

/** The questions to ask for a recording, in their order: more than are kept, as not every answer can be. */
export function recordedQuestions({ name, zone }: Configuration, asks: readonly Ask[]): Ask[] {
  const ranks = new Map(
    asks.filter((asked) => !isAboutThisMachine(asked, zone)).map((asked) => [asked, hash(describe(asked))]),
  )
  const chosen = [...ranks].sort(([, a], [, b]) => a - b).slice(0, 2 * keptOf(name))
  const set = new Set(chosen.map(([asked]) => asked))
  return asks.filter((asked) => set.has(asked))
}

const keptOf = (configuration: string) => (configuration === 'kubeadm' ? keptOfDefault : keptQuestions)

export interface Answered {
  readonly asked: Ask
  readonly wanted: Uint8Array | undefined
}

export function writeRecording(
  { name, zone, corefile }: Configuration,
  coredns: string,
  answers: readonly Answered[],
): void {
  const cached = hasCache(corefile({ port: 0, kubeconfig: '', upstream: '' }))
  const youngest = cached ? youngestRecords(answers) : undefined
  const kept = answers
    .filter(({ asked, wanted }) => wanted !== undefined && !isAboutThisMachine(asked, zone))
    // What `cache` has of another zone shows what was asked before: RA is in replies of the upstream only.
    .filter(({ wanted }) => !cached || (wanted![3]! & 0x80) === 0)
    // As for its records in replies of the cluster: when they were fresh.
    .filter(({ wanted }) => !youngest || ofUpstream(wanted!).every(({ key, ttl }) => ttl === youngest.get(key)))
  write(folder, name, coredns, some(kept, keptOf(name)))
}

export function writePluginRecording(name: string, coredns: string, answers: readonly Answered[]): void {
  mkdirSync(pluginFolder, { recursive: true })
  const kept = answers.filter(({ wanted }) => wanted !== undefined)
  write(pluginFolder, name, coredns, some(kept, keptOfPlugin))
}

/** So many of the answers, in every run the same, in the order of their questions. */
function some(answers: readonly Answered[], count: number): Answered[] {
  return answers
    .map((answer) => ({ ...answer, rank: hash(describe(answer.asked)) }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, count)
    .sort((a, b) => (describe(a.asked) < describe(b.asked) ? -1 : 1))
}

function write(path: string, name: string, coredns: string, answers: readonly Answered[]): void {
  const replies = new Map<string, number>()
  const questions: Record<string, Record<string, number>> = {}
  for (const { asked, wanted } of answers) {
    const key = JSON.stringify(shortened(canonical(wanted), asked.name))
    if (!replies.has(key)) replies.set(key, replies.size)
    questions[asked.name] ??= {}
    questions[asked.name]![wayText(asked)] = replies.get(key)!
  }
  const lines = Object.entries(questions).map(([owner, ways]) => `${JSON.stringify(owner)}:${JSON.stringify(ways)}`)
  const head = `{"coredns":${JSON.stringify(coredns)},"configuration":${JSON.stringify(name)}`
  const text = `${head},"replies":[\n${[...replies.keys()].join(',\n')}\n],"questions":{\n${lines.join(',\n')}\n}}\n`
  writeFileSync(join(path, `${name}.json`), text)
}

/** The upstream's records with the TTLs that they had before the cache counted these down. */
function youngestRecords(answers: readonly Answered[]): ReadonlyMap<string, number> {
  const youngest = new Map<string, number>()
  for (const { wanted } of answers) {
    if (wanted === undefined) continue
    for (const { key, ttl } of ofUpstream(wanted)) youngest.set(key, Math.max(ttl, youngest.get(key) ?? 0))
  }
  return youngest
}

const ofUpstream = (reply: Uint8Array): { key: string; ttl: number }[] =>
  canonical(reply).flatMap((line) => {
    const { owner, ttl, rest } = readLine(line) ?? {}
    return owner !== undefined && isOfUpstream(owner) ? [{ key: `${owner} ${rest}`, ttl: ttl! }] : []
  })

/** The NS of an apex, its target and what leads there tell the addresses of the machine that CoreDNS runs on. */
function isAboutThisMachine({ name, type: asked }: Ask, zone: string): boolean {
  return asked === type.NS || lowerName(name) === zone || /^(ns1|ns\.dns)\.|(^|\.)to-nameserver\./i.test(name)
}

const shortened = (lines: readonly string[], name: string) =>
  name === '.' ? lines : lines.map((line) => line.replaceAll(` ${name} `, ' @ '))

function expanded(lines: readonly string[], name: string): string[] {
  return lines.map((line) => line.replaceAll(' @ ', ` ${name} `))
}

/**
 * The reply with the TTLs that were recorded, where it has the upstream's records (their owners) from a cache in which
 * they have been for up to so many seconds. Everything else stays as it is.
 */
export function withoutAge(reply: readonly string[], recorded: readonly string[], seconds: number): string[] {
  return reply.map((line) => {
    const told = readLine(line)
    if (told === undefined || !isOfUpstream(told.owner)) return line
    const younger = recorded.find((other) => {
      const { owner, ttl, rest } = readLine(other) ?? {}
      return owner === told.owner && rest === told.rest && ttl! >= told.ttl && ttl! - told.ttl <= seconds
    })
    return younger ?? line
  })
}

/** A record among the lines of compare.ts; `rest` is what comes before its owner and behind its TTL. */
function readLine(line: string): { owner: string; ttl: number; rest: string } | undefined {
  const [, section, owner, ttl, rest] = /^(answer|authority|additional) (\S+) (\d+) (.*)$/.exec(line) ?? []
  return owner === undefined ? undefined : { owner, ttl: Number(ttl), rest: `${section} ${rest}` }
}

/** FNV-1a: the same questions are kept by every recording. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (const letter of text) value = Math.imul(value ^ letter.codePointAt(0)!, 0x01000193) >>> 0
  return value
}

/** Everything but the name, in words. */
function wayText(asked: Ask): string {
  const words = [typeName(asked.type)]
  if (asked.over === 'tcp') words.push('tcp')
  if (asked.class !== dnsClass.IN) words.push(`class=${asked.class}`)
  if (asked.opcode !== opcode.QUERY) words.push(`opcode=${asked.opcode}`)
  if (asked.authenticData) words.push('ad')
  if (asked.checkingDisabled) words.push('cd')
  if (!asked.recursionDesired) words.push('nord')
  if (asked.shape !== undefined) words.push(`shape=${asked.shape.replaceAll(' ', '_')}`)
  if (asked.from !== undefined) words.push(`from=${asked.from}`)
  if (asked.edns) {
    words.push(`edns=${asked.edns.payloadSize}`)
    if (asked.edns.version !== 0) words.push(`version=${asked.edns.version}`)
    if (asked.edns.dnssecOk) words.push('do')
    for (const { code, data } of asked.edns.options) words.push(`option=${code}:${Buffer.from(data).toString('hex')}`)
  }
  return words.join(' ')
}

function readWay(name: string, text: string): Ask {
  const [type, ...words] = text.split(' ')
  const value = (key: string) => words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1)
  const options = words
    .filter((word) => word.startsWith('option='))
    .map((word) => {
      const [code, data = ''] = word.slice('option='.length).split(':')
      return { code: Number(code), data: new Uint8Array(Buffer.from(data, 'hex')) }
    })
  const size = value('edns')
  const from = value('from')
  const more = { version: Number(value('version') ?? 0), dnssecOk: words.includes('do'), options }
  return ask(name, typeNumber(type!)!, {
    over: words.includes('tcp') ? 'tcp' : 'udp',
    class: Number(value('class') ?? dnsClass.IN),
    opcode: Number(value('opcode') ?? opcode.QUERY),
    authenticData: words.includes('ad'),
    checkingDisabled: words.includes('cd'),
    recursionDesired: !words.includes('nord'),
    shape: value('shape')?.replaceAll('_', ' '),
    ...(from !== undefined && { from }),
    edns: size === undefined ? undefined : edns(Number(size), more),
  })
}
