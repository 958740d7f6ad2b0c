/** Asks as a user would: with dig, in a process of its own, over a real socket. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface DigOptions {
  readonly server?: string
  readonly port: number
  readonly tcp?: boolean
  /** Further words of dig's command line: `+bufsize=512`, `-b`, `+noedns`. */
  readonly flags?: readonly string[]
}

/** What dig understood of a reply. Records are zone-file lines with single blanks, sorted. */
export interface DigReply {
  readonly rcode: string
  /** Lower case: qr aa tc rd ra ad cd. */
  readonly flags: readonly string[]
  readonly answer: readonly string[]
  readonly authority: readonly string[]
  readonly additional: readonly string[]
}

/** One query, no retries. Rejects with dig's own words when there is no reply, or one that it cannot parse. */
export async function dig(name: string, type: string, options: DigOptions): Promise<DigReply> {
  const { server = '127.0.0.1', port, tcp = false, flags = [] } = options
  const args = [`@${server}`, '-p', String(port), '+tries=1', '+time=3', tcp ? '+tcp' : '+notcp', '+ignore', ...flags]
  try {
    const { stdout } = await run('dig', [...args, '-q', name, '-t', type])
    return readReply(stdout)
  } catch (error) {
    const { stdout, message } = error as { stdout?: string; message: string }
    throw new Error(`dig ${name} ${type}: ${stdout?.trim() || message}`)
  }
}

function readReply(text: string): DigReply {
  const rcode = /status: ([A-Z0-9]+)/.exec(text)?.[1]
  if (rcode === undefined || /;; (Warning|Got bad packet)/.test(text)) throw new Error(`no proper reply:\n${text}`)
  return {
    rcode,
    flags: /^;; flags: ([a-z ]*);/m.exec(text)?.[1]?.split(' ').filter(Boolean) ?? [],
    answer: section(text, 'ANSWER'),
    authority: section(text, 'AUTHORITY'),
    additional: section(text, 'ADDITIONAL'),
  }
}

function section(text: string, name: string): string[] {
  const body = new RegExp(`;; ${name} SECTION:\\n([^]*?)(\\n\\n|$)`).exec(text)?.[1] ?? ''
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\s+/g, ' '))
    .sort()
}
