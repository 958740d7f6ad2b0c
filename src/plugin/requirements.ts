/** What plugins require of each other, decided from the directives of a block alone. */
import { ConfigError, type Directive } from '../corefile/schema.ts'
import { type AnyCapability, type Capability, isSameCapability } from './capability.ts'
import type { Plugin } from './contract.ts'

/** The declared part of a plugin: what is known of it before it is set up. */
export interface DeclaredPlugin {
  /** The directive's word. */
  readonly name: string
  /** Capabilities that its instances provide. */
  readonly offers?: readonly AnyCapability[]
}

export function offers<T>({ offers = [] }: DeclaredPlugin, capability: Capability<T>): boolean {
  return offers.some((offered) => isSameCapability(offered, capability))
}

/** Why the settings cannot work beside these plugins, or undefined. `directive` is where they are written. */
export function requirementError<Settings>(
  plugin: Plugin<Settings>,
  settings: Settings,
  directive: Directive,
  plugins: readonly DeclaredPlugin[],
): ConfigError | undefined {
  const reason = plugin.unmetRequirement?.(settings, plugins)
  return reason === undefined ? undefined : new ConfigError(`plugin/${plugin.name}: ${reason}`, directive.at)
}
