/** Load: dnsperf where it is installed, else a generator of our own that is slower than any server it measures. */
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { peer } from '../../test/support/peers.ts'
import { question } from '../../test/support/question.ts'
import { otherCores, serverPriority } from './process.ts'

const run = promisify(execFile)

export interface Load {
  readonly port: number
  /** `NAME TYPE` each; repeated in order until time is up. */
  readonly questions: readonly string[]
  readonly seconds: number
  /** Each question once: what a cache may hold is never asked again. */
  readonly once?: boolean
  /** With DO; dnsperf alone can. */
  readonly dnssecOk?: boolean
}

export interface LoadResult {
  readonly sent: number
  readonly answered: number
  readonly seconds: number
  /** Answers by rcode: `NOERROR`, `NXDOMAIN`, …; {} when the generator does not tell. */
  readonly rcodes: Readonly<Record<string, number>>
  /** Octets by which an average reply is longer than its query; 0 when the generator does not tell. */
  readonly growth: number
}

export const generatorName = peer('dnsperf')
  ? 'dnsperf'
  : 'node:dgram (no dnsperf here: queries/s measure the generator)'

export async function offer(load: Load): Promise<LoadResult> {
  return peer('dnsperf') ? offerByDnsperf(load) : offerByDgram(load)
}

async function offerByDnsperf(load: Load): Promise<LoadResult> {
  const limits = ['-q', '200', '-S', '0', ...(load.once ? ['-n', '1'] : []), ...(load.dnssecOk ? ['-D'] : [])]
  return readDnsperf(await runDnsperf(load, limits, 64 << 20))
}

/** What dnsperf prints of these questions with eight clients. `options`: its own; `mostOctets`: of what it prints. */
async function runDnsperf(
  { questions, port, seconds }: Pick<Load, 'questions' | 'port' | 'seconds'>,
  options: readonly string[],
  mostOctets: number,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-load-'))
  try {
    const file = join(folder, 'questions')
    writeFileSync(file, `${questions.join('\n')}\n`)
    const place = ['-s', '127.0.0.1', '-p', String(port), '-d', file]
    const clients = ['-e', '-l', String(seconds), '-c', '8', '-b', '4096', '-t', '2']
    const command = ['-c', otherCores, ...serverPriority, 'dnsperf', ...place, ...clients, ...options]
    const { stdout } = await run('taskset', command, { maxBuffer: mostOctets })
    return stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function readDnsperf(text: string): LoadResult {
  const figure = (label: string) => Number(new RegExp(`${label}:\\s+([\\d.]+)`).exec(text)?.[1] ?? Number.NaN)
  const sizes = /Average packet size:\s+request (\d+), response (\d+)/.exec(text)
  const codes = /Response codes:\s+(.*)/.exec(text)?.[1] ?? ''
  return {
    sent: figure('Queries sent'),
    answered: figure('Queries completed'),
    seconds: figure('Run time \\(s\\)'),
    growth: Math.max(0, Number(sizes?.[2] ?? 0) - Number(sizes?.[1] ?? 0)),
    rcodes: Object.fromEntries([...codes.matchAll(/([A-Z]+) (\d+)/g)].map(([, code, count]) => [code!, Number(count)])),
  }
}

/** Keeps a fixed number of queries under way; one that is not answered in a second makes room for another. */
export interface PacedResult {
  readonly sent: number
  /** Milliseconds from each query to its reply. */
  readonly latencies: readonly number[]
}

/** Queries at an even pace, by dnsperf, which says of each how long its reply took. */
export async function offerAtPace(load: Omit<Load, 'once'>, perSecond: number): Promise<PacedResult> {
  if (!peer('dnsperf')) throw new Error('dnsperf is not installed')
  const printed = await runDnsperf(load, ['-v', '-Q', String(perSecond), '-q', '2000'], 1 << 30)
  // One line for each reply: `> NOERROR a.example A 0.000123`.
  const latencies = [...printed.matchAll(/^> \w+ \S+ \S+ ([\d.]+)$/gm)].map(([, text]) => Number(text) * 1000)
  return { sent: readDnsperf(printed).sent, latencies }
}

async function offerByDgram(load: Load): Promise<LoadResult> {
  const window = 64
  const messages = load.questions.map((text, at) => question(text, at & 0xffff))
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  socket.connect(load.port, '127.0.0.1')
  await once(socket, 'connect')
  let sent = 0
  let answered = 0
  let lastAnswered = -1
  const send = () => {
    if (!load.once || sent < messages.length) socket.send(messages[sent++ % messages.length]!)
  }
  socket.on('message', () => {
    answered++
    send()
  })
  const begin = performance.now()
  for (let at = 0; at < window; at++) send()
  while (performance.now() - begin < load.seconds * 1000 && !(load.once && answered >= messages.length)) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    if (answered === lastAnswered) for (let at = 0; at < window; at++) send()
    lastAnswered = answered
  }
  const seconds = (performance.now() - begin) / 1000
  socket.close()
  return { sent, answered, seconds, rcodes: {}, growth: 0 }
}
