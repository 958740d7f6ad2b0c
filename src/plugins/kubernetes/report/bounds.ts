/** Bounds on the report of a cluster; the console page and the terminal show less. */
export const bounds = {
  /** Services of the list, and splits. */
  services: 2_000,
  problems: 1_000,
  held: 200,
  /** Endpoints of one service. */
  endpoints: 10_000,
  /** Addresses of an answer that changed. */
  addresses: 8,
  /** Changes reported per second; more could not be read. */
  changesPerSecond: 100,
} as const
