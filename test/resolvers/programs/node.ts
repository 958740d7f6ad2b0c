/** Asks Node.js's c-ares, which reads /etc/resolv.conf but searches nothing. Arguments and output: see getaddrinfo.c. */
import { resolve4, resolve6, resolveSrv, resolveTxt, reverse } from 'node:dns/promises'

const kinds: Readonly<Record<string, (what: string) => Promise<readonly string[]>>> = {
  A: resolve4,
  AAAA: resolve6,
  PTR: reverse,
  SRV: async (name) => (await resolveSrv(name)).map((record) => `${record.name}:${record.port}`),
  TXT: async (name) => (await resolveTxt(name)).map((strings) => strings.join('')),
}

const reasons: Readonly<Record<string, string>> = { ENOTFOUND: '!not-found', ENODATA: '!no-data' }

for (const question of process.argv.slice(2)) {
  const [kind] = question.split(':', 1)
  const answer = await kinds[kind!]!(question.slice(kind!.length + 1)).then(
    (found) => found.join(' '),
    (error: NodeJS.ErrnoException) => reasons[error.code ?? ''] ?? `!${error.code}`,
  )
  process.stdout.write(`${question}\t${answer}\n`)
}
