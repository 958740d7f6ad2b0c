/**
 * Ends the process where one input takes many seconds: code that the counters do not see (a regular expression of V8, a
 * sort) cannot be interrupted otherwise. The input is in shared memory, and is written down first.
 */
import { Worker } from 'node:worker_threads'

const program = `
const { workerData: { memory, path, seconds } } = require('node:worker_threads')
const { writeFileSync, mkdirSync } = require('node:fs')
const [state, octets] = [new Int32Array(memory, 0, 2), new Uint8Array(memory, 8)]
let [seen, since] = [-1, process.cpuUsage().user]
setInterval(() => {
  const now = process.cpuUsage().user
  if (state[0] !== seen) [seen, since] = [state[0], now]
  else if (state[0] % 2 === 1 && now - since > seconds * 1e6) {
    mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    writeFileSync(path, octets.slice(0, state[1]))
    console.log('FOUND an input that takes more than ' + seconds + ' s of CPU time: ' + path)
    process.kill(process.pid, 'SIGKILL')
  }
}, 500)
`

export interface Watchdog {
  begin(input: Uint8Array): void
  end(): void
  stop(): Promise<unknown>
}

/** `path`: where the input goes. `seconds` of CPU time. */
export function startWatchdog(path: string, seconds: number, maxOctets: number): Watchdog {
  const memory = new SharedArrayBuffer(8 + maxOctets)
  const [state, octets] = [new Int32Array(memory, 0, 2), new Uint8Array(memory, 8)]
  const worker = new Worker(program, { eval: true, workerData: { memory, path, seconds } })
  worker.unref()
  return {
    begin(input) {
      octets.set(input)
      state[1] = input.length
      Atomics.add(state, 0, 1)
    },
    end() {
      Atomics.add(state, 0, 1)
    },
    stop: () => worker.terminate(),
  }
}
