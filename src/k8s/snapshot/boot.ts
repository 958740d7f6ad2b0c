/** The time since the machine was booted: unlike the time of day it does not jump, and it outlives the process. */
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

export interface BootTime {
  /** Changes with each boot. */
  readonly id: string
  /** Milliseconds since then, including time asleep. */
  readonly at: number
}

/** Undefined if the system does not identify its boots (Linux does: random(4), boot_id). */
export function bootTime(): BootTime | undefined {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return id === '' ? undefined : { id, at: Math.floor(uptime() * 1_000) }
  } catch {
    return undefined
  }
}
