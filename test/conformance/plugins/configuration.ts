/** What a configuration of a plugin is: a Corefile for both servers, its files, and the questions that aim at it. */
import type { Door } from '../door-client.ts'
import { hasCache } from '../pairing.ts'
import type { Ask } from '../queries.ts'

export interface PluginPlaces {
  readonly port: number
  /** `ADDRESS:PORT` of the upstream (upstream-zone.ts). */
  readonly upstream: string
  /** `ADDRESS:PORT` of a primary of the zone of zones.ts. */
  readonly primary: string
  /** Where `files` are. */
  readonly folder: string
  readonly kubeconfig: string
}

export interface PluginConfiguration {
  readonly name: string
  corefile(places: PluginPlaces): string
  /** Name → text. */
  readonly files?: Readonly<Record<string, string>>
  questions(): Ask[]
  /** Whether it watches a cluster (cluster.ts). */
  readonly cluster?: boolean
  /** Asked one after the other, because earlier questions change later answers: where absent, whether there is a `cache`. */
  readonly inOrder?: boolean
  /** Whether it listens on 127.0.0.1 alone. */
  readonly bound?: boolean
  /** The listener that is asked, where it is not the plain one. Its certificate is among `files`. */
  readonly door?: Door
  /** A name whose A record is asked for until there is an answer, where that takes longer than the sockets. */
  readonly settledName?: string
  /** Whether silence is an answer: it is waited for less long, and believed at once. */
  readonly silent?: boolean
}

/** Where nothing is: for who reads the text alone. */
export const nowhere: PluginPlaces = { port: 0, upstream: '', primary: '', folder: '', kubeconfig: '' }

/** Whether its answers depend on the question alone, and on nobody's counters or clock: those of `cache` do not. */
export const isRecorded = ({ inOrder, silent, corefile }: PluginConfiguration): boolean =>
  !inOrder && !silent && !hasCache(corefile(nowhere))

/** One server block. */
export const server = (key: string, ...lines: readonly string[]): string => `${key} {\n${indented(lines)}\n}\n`

/** A directive with its block. */
export const directive = (line: string, ...body: readonly string[]): string =>
  body.length === 0 ? line : `${line} {\n${indented(body)}\n}`

const indented = (lines: readonly string[]): string =>
  lines.map((line) => line.replaceAll(/^(?=.)/gm, '    ')).join('\n')
