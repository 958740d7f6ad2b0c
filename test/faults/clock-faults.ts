/** The wall clock of the server jumps, and stays where it is, or jumps back: by NTP, by hand, by a virtual machine that was moved. */
import type { TestFault } from './faults.ts'

const hour = 3_600_000

const jump = (name: string, by: number): TestFault => ({
  name,
  of: 'clock',
  notToCoreDns: 'a program of Go asks the kernel for the time by itself, where the test cannot change it',
  isPossible: ({ wall }) => wall !== undefined,
  begin({ wall, random }) {
    wall!.set(wall!.offset + by)
    return () => {
      if (random.chance(0.5)) wall!.set(0)
    }
  },
})

export const clockFaults: readonly TestFault[] = [
  jump('the clock jumps an hour ahead', hour),
  jump('the clock jumps an hour back', -hour),
]
