/** What plugins require of each other, decided from the directives of a block alone. */
import type { ServerKey } from '../corefile/keys.ts'
import { ConfigError, type Directive } from '../corefile/schema.ts'
import type { Plugin } from './contract.ts'
import type { DeclaredPlugin } from './declared-plugin.ts'

/** The server block that settings are written in, as far as it is known before anything is set up. */
export interface DeclaredBlock<Settings> {
  readonly keys: readonly ServerKey[]
  readonly plugins: readonly DeclaredPlugin[]
  /** What the plugin has in the blocks before this one. */
  readonly earlier: readonly Settings[]
}

/** Why the settings cannot work in this block, or undefined. `directive` is where they are written. */
export function requirementError<Settings>(
  plugin: Plugin<Settings>,
  settings: Settings,
  directive: Directive,
  { keys, plugins, earlier }: DeclaredBlock<Settings>,
): ConfigError | undefined {
  const encrypted = plugin.plainDnsOnly && keys.find(({ scheme }) => scheme !== 'dns')
  const conflict = (): string | undefined =>
    earlier.flatMap((others) => plugin.conflict?.(settings, others) ?? []).at(0)
  const reason = encrypted
    ? `only plain DNS server blocks are supported; "${encrypted.scheme}://${encrypted.zones[0]}:${encrypted.port}" uses transport "${encrypted.scheme}"`
    : (plugin.unmetRequirement?.(settings, plugins) ?? conflict())
  return reason === undefined ? undefined : new ConfigError(`plugin/${plugin.name}: ${reason}`, directive.at)
}
