/** What `npm run conformance -- …` can be told. */
import { parseArgs } from 'node:util'
import type { Configuration } from './configuration.ts'
import { configurations } from './configurations.ts'
import type { PluginConfiguration } from './plugins/configuration.ts'
import { pluginConfigurations } from './plugins/index.ts'

export interface Options {
  readonly chosen: readonly Configuration[]
  readonly plugins: readonly PluginConfiguration[]
  /** Write CoreDNS's answers to recorded/, and ask only what is kept there. */
  readonly record: boolean
  /** Change the cluster at random for so long, instead of asking everything about the fixed one. Minutes. */
  readonly minutes: number | undefined
  readonly seed: number
}

export const usage = `npm run conformance -- [CONFIGURATION…|cluster|plugins] [--record] [--minutes M [--seed N]]
cluster: ${configurations.map(({ name }) => name).join(' ')}
plugins: ${pluginConfigurations.map(({ name }) => name).join(' ')}
`

/** Throws an Error whose text says what is wrong. */
export function readOptions(words: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: { seed: { type: 'string' }, minutes: { type: 'string' }, record: { type: 'boolean', default: false } },
  })
  const isChosen = (all: string) => (configuration: { name: string }) =>
    positionals.length === 0 || positionals.includes(all) || positionals.includes(configuration.name)
  const known = new Set(['cluster', 'plugins', ...[...configurations, ...pluginConfigurations].map(({ name }) => name)])
  const unknown = positionals.find((word) => !known.has(word))
  if (unknown !== undefined) throw new Error(`there is no configuration '${unknown}'`)
  const minutes = values.minutes ?? (values.seed === undefined ? undefined : '1')
  return {
    chosen: configurations.filter(isChosen('cluster')),
    plugins: pluginConfigurations.filter(isChosen('plugins')),
    record: values.record,
    minutes: minutes === undefined ? undefined : number('minutes', minutes),
    seed: values.seed === undefined ? Date.now() % 1_000_000 : number('seed', values.seed),
  }
}

function number(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${option} wants a number, not '${text}'`)
  return value
}
