/** The upstream of the attacked server, in a thread of its own: floods must not make it late for everybody else. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { freePort } from '../support/ports.ts'

export interface Upstream {
  /** `127.0.0.1:PORT` */
  readonly to: string
  /** Questions so far for names in `ZONE.test`. */
  questions(zone: string): Promise<number>
  close(): Promise<void>
}

export async function startUpstream(): Promise<Upstream> {
  const port = await freePort()
  const thread = new Worker(new URL('./upstream-thread.ts', import.meta.url), { workerData: port })
  await once(thread, 'message')
  return {
    to: `127.0.0.1:${port}`,
    async questions(zone) {
      thread.postMessage('counts')
      const [counts] = await once(thread, 'message')
      return counts[zone] ?? 0
    },
    async close() {
      await thread.terminate()
    },
  }
}
