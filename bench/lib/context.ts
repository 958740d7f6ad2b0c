/** What a section of the benchmark gets. */
import type { Size } from './objects.ts'
import type { World } from './world.ts'

export interface Context {
  /** The real API server with the cluster in it: started and filled when the first section asks for it. */
  world(): Promise<World>
  readonly size: Size
  /** Length of one measurement. */
  readonly seconds: number
  /** Length of the soak. */
  readonly minutes: number
  print(text: string): void
}
