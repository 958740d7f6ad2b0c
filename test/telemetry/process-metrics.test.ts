import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { publishMemoryLimit, publishProcessMetrics } from '../../src/telemetry/process-metrics.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { publishThreadMetrics, readThreadTimes, type ThreadTime } from '../../src/telemetry/thread-metrics.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const second = 1_000

describe('the metrics of the process', () => {
  it('the metrics of the process are those of Prometheus’ Go client, each a number', async () => {
    const metrics = createMetrics()
    publishProcessMetrics(metrics)
    const lines = (await metrics.text()).match(/^process_.*$/gm) ?? []
    assert.deepEqual(
      lines.map((line) => line.split(' ')[0]),
      [
        'process_cpu_seconds_total',
        'process_max_fds',
        'process_network_receive_bytes_total',
        'process_network_transmit_bytes_total',
        'process_open_fds',
        'process_resident_memory_bytes',
        'process_start_time_seconds',
        'process_virtual_memory_bytes',
        'process_virtual_memory_max_bytes',
      ],
    )
    for (const line of lines) assert.ok(Number(line.split(' ')[1]) >= 0, line)
  })

  it('a memory limit is shown where there is one', async () => {
    const metrics = createMetrics()
    publishMemoryLimit(metrics, undefined)
    assert.equal(await metrics.text(), '')
    publishMemoryLimit(metrics, 178_257_920)
    assert.match(await metrics.text(), /^slicedns_memory_limit_bytes 178257920$/m)
  })
})

describe('the metrics of threads', () => {
  it('the threads of this process are found with their time', () => {
    const threads = readThreadTimes()
    const [main] = threads.filter(({ name }) => name === 'main')
    assert.ok(main!.seconds > 0)
    assert.ok(threads.some(({ name }) => name === 'other'))
  })

  it('a busy ratio is of ten seconds at least, however often it is scraped, and adds up threads of a name', async () => {
    const metrics = createMetrics()
    const clock = createFakeClock()
    let threads: ThreadTime[] = []
    const read = () => threads
    const collecting = publishThreadMetrics(metrics, { clock, read })
    const ratioOf = async (thread: string) =>
      Number(new RegExp(`^slicedns_thread_busy_ratio{thread="${thread}"} (.*)$`, 'm').exec(await metrics.text())?.[1])
    const at = (main: number, first: number, second: number): ThreadTime[] => [
      { id: 1, name: 'main', seconds: main },
      { id: 2, name: 'other', seconds: first },
      { id: 3, name: 'other', seconds: second },
    ]
    clock.advance(10 * second)
    threads = at(5, 1, 1)
    assert.equal(await ratioOf('main'), 0.5)
    assert.equal(await ratioOf('other'), 0.2)
    clock.advance(1 * second)
    threads = at(5, 1, 1)
    assert.equal(await ratioOf('main'), 5 / 11)
    clock.advance(9 * second)
    threads = at(7, 1, 1)
    assert.equal(await ratioOf('main'), 0.2)
    collecting.remove()
  })

  it('a thread in the place of another one, with its number, does not turn time back', async () => {
    const metrics = createMetrics()
    let seconds = 5
    publishThreadMetrics(metrics, { clock: createFakeClock(), read: () => [{ id: 7, name: 'udp 0', seconds }] })
    await metrics.text()
    seconds = 1
    assert.match(await metrics.text(), /^slicedns_thread_cpu_seconds_total\{thread="udp 0"\} 6$/m)
  })
})
