/** How long the machine has been up: unlike the time of day it does not jump, and it outlives the process. */
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

export interface BootTime {
  /** Another one after each start of the machine. */
  readonly id: string
  /** Milliseconds since then, those of a sleep included. */
  readonly at: number
}

/** Undefined where the system does not name its starts (Linux does: random(4), boot_id). */
export function bootTime(): BootTime | undefined {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return id === '' ? undefined : { id, at: Math.floor(uptime() * 1_000) }
  } catch {
    return undefined
  }
}
