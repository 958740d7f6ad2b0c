/** Ways through all Corefiles. */

/** Each of them once, back to the first. */
export const shortTour = (all: readonly string[]): string[] => [...all, all[0]!]

/** A circuit on which each of them follows each other one exactly once (Hierholzer's, on the complete directed graph). */
export function everyPair(all: readonly string[]): string[] {
  const left = new Map(all.map((from) => [from, all.filter((to) => to !== from)]))
  const path = [all[0]!]
  const circuit: string[] = []
  while (path.length > 0) {
    const next = left.get(path.at(-1)!)!.pop()
    if (next === undefined) circuit.push(path.pop()!)
    else path.push(next)
  }
  return circuit.reverse()
}
