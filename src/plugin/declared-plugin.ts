/** What is known of a plugin before it is set up. */
import { type AnyCapability, type Capability, isSameCapability } from './capability.ts'

export interface DeclaredPlugin {
  /** The directive's word. */
  readonly name: string
  /** Capabilities that its instances provide. */
  readonly offers?: readonly AnyCapability[]
}

export function offers<T>({ offers = [] }: DeclaredPlugin, capability: Capability<T>): boolean {
  return offers.some((offered) => isSameCapability(offered, capability))
}
