/** A second opinion on replies: dnspython, which shares nothing with our codec. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'

/** False when python3 has dnspython, else the reason to do without. */
export const withoutDnspython: string | false = (() => {
  try {
    execFileSync('python3', ['-c', 'import dns.message'], { stdio: 'ignore' })
    return false
  } catch {
    return 'python3 with dnspython is not here (python3 -m pip install dnspython): replies are parsed by us only'
  }
})()

export interface SecondOpinion {
  /** Takes a reply; wait for what it gives when that is a promise. */
  look(reply: Uint8Array): Promise<unknown> | undefined
  /** How many it has seen, and what it could not read. */
  finish(): Promise<{ readonly seen: number; readonly failures: readonly string[] }>
  kill(): void
}

/** Frames on standard input; on standard output how many there were, then a line for each that cannot be read. */
const script = `
import sys, dns.message, dns.exception
stream, seen, failures = sys.stdin.buffer, 0, []
while True:
    head = stream.read(2)
    if len(head) < 2:
        break
    reply = stream.read(int.from_bytes(head, 'big'))
    seen += 1
    try:
        dns.message.from_wire(reply).to_text()
    except Exception as error:
        if len(failures) < 20:
            failures.append(f'{type(error).__name__} {error}: {reply.hex()}')
print(seen, *failures, sep='\\n')
`

export function askDnspython(): SecondOpinion {
  const child: ChildProcess = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  let full: Promise<unknown> | undefined
  child.stdout!.on('data', (chunk: Buffer) => (output += chunk))
  return {
    look(reply) {
      const frame = Buffer.allocUnsafe(2 + reply.length)
      frame.writeUInt16BE(reply.length, 0)
      frame.set(reply, 2)
      if (child.stdin!.write(frame) || full) return full
      full = once(child.stdin!, 'drain').finally(() => {
        full = undefined
      })
      return full
    },
    async finish() {
      const closed = once(child, 'close')
      child.stdin!.end()
      await closed
      const [seen, ...failures] = output.trim().split('\n')
      return { seen: Number(seen), failures }
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
