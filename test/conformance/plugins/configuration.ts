/** What a configuration of a plugin is: a Corefile for both servers, its files, and the questions that aim at it. */
import { hasCache } from '../pairing.ts'
import type { Ask } from '../queries.ts'

export interface PluginPlaces {
  readonly port: number
  /** `ADDRESS:PORT` of the upstream (upstream-zone.ts). */
  readonly upstream: string
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
  /** Whether silence is an answer: it is waited for less long, and believed at once. */
  readonly silent?: boolean
}

/** Whether its answers depend on the question alone, and on nobody's counters or clock: those of `cache` do not. */
export const isRecorded = ({ inOrder, silent, corefile }: PluginConfiguration): boolean =>
  !inOrder && !silent && !hasCache(corefile({ port: 0, upstream: '', folder: '', kubeconfig: '' }))

/** One server block. */
export const server = (key: string, ...lines: readonly string[]): string => `${key} {\n${indented(lines)}\n}\n`

/** A directive with its block. */
export const directive = (line: string, ...body: readonly string[]): string =>
  body.length === 0 ? line : `${line} {\n${indented(body)}\n}`

const indented = (lines: readonly string[]): string =>
  lines.map((line) => line.replaceAll(/^(?=.)/gm, '    ')).join('\n')
