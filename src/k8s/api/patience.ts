/**
 * How long the API server is waited for, in milliseconds. A server, or a proxy before it, may accept and then say nothing, or stop in
 * the middle of what it says, while its connection looks alive. Whatever it was doing, it is asked again within half a minute, so
 * that answers are right 40 s after such a silence at most (docs/reliability.md).
 */
const second = 1000
const minute = 60 * second

/**
 * For the head of a response. The API server keeps a request waiting for its turn for 15 s at most (API Priority and Fairness);
 * then it answers a watch at once, and a list as soon as the list is made.
 */
export const headPatience = (path: string): number => (path.includes('watch=true') ? 20 * second : 25 * second)

/** Between two pieces of a list. */
export const listSilence = 25 * second
/** Between two events or bookmarks of a watch: it is asked for again then, which costs one request. */
export const watchSilence = 30 * second
/** The longest pause after a silence, which has been a pause for the server already. */
export const longestAfterSilence = 2 * second

/** For which the API server is asked to keep a watch: 5 to 10 minutes, so that replicas do not come in step. */
export const watchTime = (): number => (5 + 5 * Math.random()) * minute
/**
 * The same for a watch that has nothing to say, or has no pings (HTTP/1.1): if it does not end in time it is dead. Before its end
 * the API server sends a bookmark, so that the next one has a fresh version to begin from.
 */
export const shortWatchTime = (): number => (20 + 5 * Math.random()) * second
/** Added to the requested time before the watch counts as dead. */
export const watchGrace = 5 * second
