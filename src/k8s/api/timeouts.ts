/**
 * Time limits for the API server, in milliseconds. A server, or a proxy before it, may accept a request and then send nothing,
 * or stall in the middle, while its connection looks alive. In every case the request is repeated within half a minute, so
 * that answers are right at most 40 s after such a silence (docs/reliability.md).
 */
const second = 1000
const minute = 60 * second

/**
 * For the head of a response. The API server queues a request for at most 15 s (API Priority and Fairness); after that it
 * answers a watch at once, and a list as soon as it has been assembled.
 */
export const headTimeout = (path: string): number => (path.includes('watch=true') ? 20 * second : 25 * second)

/** Between two chunks of a list. */
export const listSilence = 25 * second
/** Between two events or bookmarks of a watch; then it is requested again, which costs one request. */
export const watchSilence = 30 * second
/** The longest pause after a silence, which was already a pause for the server. */
export const longestAfterSilence = 2 * second

/** The requested duration of a watch: 5 to 10 minutes, random, so that replicas do not synchronise. */
export const watchTime = (): number => (5 + 5 * Math.random()) * minute
/**
 * The same for a watch that was silent, or without pings (HTTP/1.1): if it does not end in time it is dead. At its end the API
 * server sends a bookmark, so that the next one starts from a recent version.
 */
export const shortWatchTime = (): number => (20 + 5 * Math.random()) * second
/** Added to the requested duration before the watch counts as dead. */
export const watchGrace = 5 * second
