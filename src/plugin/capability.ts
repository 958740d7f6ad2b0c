/**
 * Typed facts that a plugin offers to the server or to another plugin of its block, without either naming the other.
 * A capability is defined beside its consumer: the server's in `src/plugin/capabilities/`, a plugin's in its own
 * `capability.ts`, the one file of a plugin that others may import.
 */

export interface Capability<T> {
  readonly name: string
  /** Never set: it carries the value's type. */
  readonly value?: (value: T) => T
}

/** A capability of any value type, for lists. */
export type AnyCapability = Capability<never>

/** A capability and the value that an instance provides for it. */
export interface Provided {
  readonly capability: AnyCapability
  readonly value: unknown
}

export function defineCapability<T>(name: string): Capability<T> {
  return { name }
}

export function provide<T>(capability: Capability<T>, value: T): Provided {
  return { capability: erased(capability), value }
}

/** For `Plugin.offers`. */
export const erased = <T>(capability: Capability<T>): AnyCapability => capability as unknown as AnyCapability

export function isSameCapability<T>(one: AnyCapability, other: Capability<T>): boolean {
  return one === erased(other)
}

/** What an instance provides for the capability, or undefined. */
export function capabilityOf<T>(
  instance: { readonly provides?: readonly Provided[] },
  capability: Capability<T>,
): T | undefined {
  const found = instance.provides?.find((provided) => provided.capability === erased(capability))
  // `provide` bound the value to the capability's type.
  return found?.value as T | undefined
}
