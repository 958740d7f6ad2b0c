/** What is shown of a cluster at most: the page and the terminal show fewer still. */
export const most = {
  /** Services of the list, and splits. */
  services: 2_000,
  problems: 1_000,
  held: 200,
  /** Endpoints of one service. */
  endpoints: 10_000,
  /** Addresses of an answer that changed. */
  addresses: 8,
  /** Changes that are written out in a second: the others are too many to be looked at. */
  changesPerSecond: 100,
} as const
