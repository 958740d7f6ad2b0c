/**
 * How often each place of the instrumented sources was passed, and the steps that are left. Steps are counted rather than
 * seconds: the same input costs the same on every machine.
 */

const maxPlaces = 1 << 17

const counts = new Uint32Array(maxPlaces)
const touched = new Uint32Array(maxPlaces)
let touchedLength = 0
let places = 0
let stepsLeft = Number.MAX_SAFE_INTEGER

/** The input costs more steps than its length allows. */
export class StepsExceeded extends Error {}

/** Called by the instrumented sources at each place. */
export function hit(place: number): void {
  if (counts[place]++ === 0) touched[touchedLength++] = place
  if (--stepsLeft < 0) throw new StepsExceeded('the steps that its length allows are used up')
}

/** The number of a new place. */
export function addPlace(): number {
  if (places === maxPlaces) throw new RangeError(`the sources have more than ${maxPlaces} places`)
  return places++
}

/** Forgets what was passed, and allows so many steps. */
export function beginCounting(steps: number): void {
  for (let i = 0; i < touchedLength; i++) counts[touched[i]] = 0
  touchedLength = 0
  stepsLeft = steps
}

/** Ends the count, so that what follows may take as many steps as it likes. True where the allowed ones were used up. */
export function endCounting(): boolean {
  const exceeded = stepsLeft < 0
  stepsLeft = Number.MAX_SAFE_INTEGER
  return exceeded
}

/** Places in all modules that were loaded, passed or not. */
export const placeCount = (): number => places

/** A feature is a place and how often it was passed, in powers of two: 1, 2, 3 to 4, 5 to 8, … */
export function forEachFeature(visit: (feature: number) => void): void {
  for (let i = 0; i < touchedLength; i++) visit(touched[i] * bucketsPerPlace + bucketOf(counts[touched[i]]))
}

export const bucketsPerPlace = 8
export const featureCapacity = maxPlaces * bucketsPerPlace

const bucketOf = (count: number): number => Math.min(32 - Math.clz32(count - 1), bucketsPerPlace - 1)
