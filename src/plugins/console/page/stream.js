/**
 * The state of the server as it comes: server-sent events, read by `fetch`, because EventSource says neither why a server
 * refuses nor when it falls silent. A connection that ends is made again, after a growing wait.
 */

/** @import { ConsoleState } from '../../../console/state.ts' */

/**
 * @typedef {'connecting' | 'live' | 'lost' | 'refused'} Phase
 * @typedef {object} Connection
 * @property {Phase} phase
 * @property {number} since when the phase began, ms since the epoch
 * @property {string} reason of `lost` and `refused`
 * @property {number | undefined} retryAt when it is tried again, ms since the epoch
 * @property {boolean} isTrying
 */

/** Milliseconds. The server sends an event each second, and a comment where nothing changes. */
const silence = 8000
const firstWait = 500
const longestWait = 8000

/**
 * @param {string} url
 * @param {(state: ConsoleState) => void} onState
 * @param {(connection: Connection) => void} onConnection
 */
export function openStream(url, onState, onConnection) {
  /** @type {Connection} */
  let connection = { phase: 'connecting', since: Date.now(), reason: '', retryAt: undefined, isTrying: true }
  /** @type {ConsoleState | undefined} */
  let state
  let wait = firstWait
  /** @type {number | undefined} */
  let timer

  /** @param {Partial<Connection>} change */
  function become(change) {
    const isOther = change.phase !== undefined && change.phase !== connection.phase
    connection = { ...connection, ...(isOther ? { since: Date.now() } : {}), ...change }
    onConnection(connection)
  }

  async function run() {
    timer = undefined
    become({ isTrying: true, retryAt: undefined })
    let outcome
    try {
      outcome = await read()
    } catch (error) {
      outcome = { phase: /** @type {const} */ ('lost'), reason: error instanceof Error ? error.message : String(error) }
    }
    become({ ...outcome, isTrying: false, retryAt: Date.now() + wait })
    timer = window.setTimeout(run, wait)
    wait = Math.min(longestWait, wait * 2)
  }

  /** One connection, until it ends. @returns {Promise<{ phase: Phase, reason: string }>} */
  async function read() {
    const abort = new AbortController()
    const watchdog = createWatchdog(() => abort.abort())
    try {
      const reply = await fetch(url, {
        headers: { accept: 'text/event-stream' },
        cache: 'no-store',
        credentials: 'omit',
        signal: abort.signal,
      })
      if (!reply.ok || reply.body === null) {
        const isRefusal = [401, 403, 421].includes(reply.status)
        return { phase: isRefusal ? 'refused' : 'lost', reason: await refusal(reply) }
      }
      for await (const event of eventsOf(reply.body, watchdog.reset)) {
        if (event.type !== 'state') continue
        // An event leaves out members that are as they were.
        state = { ...state, ...JSON.parse(event.data) }
        wait = firstWait
        if (connection.phase !== 'live') become({ phase: 'live', reason: '' })
        onState(/** @type {ConsoleState} */ (state))
      }
      return { phase: 'lost', reason: 'the server ended the stream' }
    } catch (error) {
      if (abort.signal.aborted) return { phase: 'lost', reason: `no event for ${silence / 1000} seconds` }
      if (error instanceof TypeError) return { phase: 'lost', reason: 'the server does not answer' }
      throw error
    } finally {
      watchdog.stop()
      abort.abort()
    }
  }

  run()
  return {
    /** Does not wait for the next try. */
    retry() {
      if (timer === undefined) return
      window.clearTimeout(timer)
      wait = firstWait
      run()
    },
  }
}

/** @param {() => void} bark */
function createWatchdog(bark) {
  let timer = window.setTimeout(bark, silence)
  return {
    reset() {
      window.clearTimeout(timer)
      timer = window.setTimeout(bark, silence)
    },
    stop: () => window.clearTimeout(timer),
  }
}

/** What a reply that is no stream says, in one line. @param {Response} reply */
async function refusal(reply) {
  const text = (await reply.text()).slice(0, 500).trim()
  return reasonIn(text) || `HTTP ${reply.status} ${reply.statusText}`.trim()
}

/** The `error` of a JSON document, or the text. @param {string} text */
export function reasonIn(text) {
  try {
    const { error } = JSON.parse(text)
    if (typeof error === 'string') return error
  } catch {}
  return text
}

/**
 * Events of a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} onOctets
 */
async function* eventsOf(body, onOctets) {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    onOctets()
    const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) yield eventIn(block)
  }
}

/** @param {string} block */
function eventIn(block) {
  let type = 'message'
  const data = []
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) type = line.slice(6).trim()
    else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
  }
  return { type, data: data.join('\n') }
}
