/** The stub resolvers that programs in pods use, each asked in its own way, all questions and answers in one form. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { peer, unmet, without } from '../support/peers.ts'
import { runtime } from '../support/server.ts'
import {
  type Answer,
  fromGetent,
  fromMessage,
  fromNslookup,
  fromResolvectl,
  type Kind,
  type Question,
  readLine,
} from './answers.ts'
import type { Pod } from './pod.ts'
import { withoutResolved } from './resolved.ts'

const run = promisify(execFile)

export interface StubResolver {
  readonly name: string
  readonly needs: string | false
  readonly kinds: readonly Kind[]
  /**
   * Which names without a dot at their end it completes from the search list: those it did not find as they are too
   * (`always`), those with fewer dots than ndots, those without a dot, or none.
   */
  readonly searches: 'always' | 'below ndots' | 'single labels' | 'never'
  /** False when it makes do with what fits into a UDP reply of 512 octets, or has a limit of its own not far above. */
  readonly whole: boolean
  /** What it asks, for `nameserver`. */
  readonly server?: string
  ask(pod: Pod, questions: readonly Question[]): Promise<ReadonlyMap<Question, Answer>>
}

const folder = mkdtempSync(join(tmpdir(), 'slicedns-stubs-'))
const source = (name: string) => join(import.meta.dirname, 'programs', name)
const addressKinds = ['A', 'AAAA', 'ANY', 'PTR'] as const
const recordKinds = ['A', 'AAAA', 'SRV', 'TXT', 'PTR'] as const
const everyKind = ['A', 'AAAA', 'ANY', 'SRV', 'TXT', 'PTR'] as const

/** Compiles a program once, when it is first asked; gives the command that runs it. */
function compiled(compile: (file: string) => readonly string[], command: (file: string) => readonly string[]) {
  const file = join(folder, randomUUID())
  let ready: Promise<unknown> | undefined
  return async () => {
    const [compiler, ...args] = compile(file)
    ready ??= run(peer(compiler!)!, args)
    await ready
    return command(file)
  }
}

/** A program of ours, in programs/, that takes questions as arguments and prints a line for each. */
function program(
  command: () => readonly string[] | Promise<readonly string[]>,
  env?: Readonly<Record<string, string>>,
) {
  return async (pod: Pod, questions: readonly Question[]) => {
    const lines = (await pod.run([...(await command()), ...questions], env)).trimEnd().split('\n')
    return new Map(lines.map((line) => readLine(line)))
  }
}

/** A program that somebody else wrote: one question a run, and words to understand. */
function command(
  words: (kind: Kind, what: string) => readonly string[],
  understand: (output: string, kind: Kind) => Answer,
): StubResolver['ask'] {
  return async (pod, questions) => {
    const answers = new Map<Question, Answer>()
    for (const question of questions) {
      const kind = question.slice(0, question.indexOf(':')) as Kind
      const output = await pod.run(words(kind, question.slice(kind.length + 1))).catch(printed)
      answers.set(question, understand(output, kind))
    }
    return answers
  }
}

/** What a program that found nothing printed, for its exit code says no more. */
function printed(error: { stdout?: string; stderr?: string; code?: unknown }): string {
  if (typeof error.code !== 'number') throw error
  return `${error.stdout}${error.stderr}`
}

const databases: Readonly<Record<string, string>> = {
  ...{ A: 'ahostsv4', AAAA: 'ahostsv6', ANY: 'ahosts', HOST: 'hosts', PTR: 'hosts' },
}

const families: Readonly<Record<string, readonly string[]>> = {
  ...{ A: ['-4'], AAAA: ['-6'], ANY: [], PTR: [] },
  ...{ SRV: ['--type=SRV'], TXT: ['--type=TXT'] },
}

const reversible = (kind: Kind, what: string) => (kind === 'PTR' ? ['-x', what] : [what, kind])

async function pythonWithDnspython(): Promise<string | undefined> {
  for (const python of [peer('python3'), '/usr/bin/python3']) {
    if (python && (await run(python, ['-c', 'import dns.resolver']).then(Boolean, () => false))) return python
  }
  return undefined
}

const python = await pythonWithDnspython()
const goProgram = compiled(
  (file) => ['go', 'build', '-o', file, source('lookup.go')],
  (file) => [file],
)
const glibcProgram = compiled(
  (file) => ['gcc', '-O1', '-o', file, source('getaddrinfo.c')],
  (file) => [file],
)

export const stubResolvers: readonly StubResolver[] = [
  {
    name: 'getent (glibc)',
    needs: without('getent'),
    kinds: [...addressKinds, 'HOST'],
    searches: 'always',
    whole: true,
    ask: command((kind, what) => ['getent', databases[kind]!, what], fromGetent),
  },
  {
    name: 'getaddrinfo (glibc)',
    needs: without('gcc'),
    kinds: addressKinds,
    searches: 'always',
    whole: true,
    ask: program(glibcProgram),
  },
  {
    name: 'getaddrinfo (glibc), through the stub of systemd-resolved',
    needs: without('gcc') || withoutResolved(),
    kinds: addressKinds,
    searches: 'always',
    whole: true,
    server: '127.0.0.53',
    ask: program(glibcProgram),
  },
  {
    name: 'resolvectl (systemd-resolved)',
    needs: withoutResolved(),
    kinds: everyKind,
    // From its own list of domains, and whatever ndots is.
    searches: 'single labels',
    whole: true,
    ask: command((kind, what) => ['resolvectl', '--legend=no', ...families[kind]!, 'query', what], fromResolvectl),
  },
  {
    name: 'getaddrinfo (musl)',
    needs: without('musl-gcc'),
    kinds: addressKinds,
    searches: 'below ndots',
    // Before 1.2.4 there is no TCP; a limit of 48 addresses remains.
    whole: false,
    ask: program(
      compiled(
        (file) => ['musl-gcc', '-static', '-O1', '-o', file, source('getaddrinfo.c')],
        (file) => [file],
      ),
    ),
  },
  {
    name: "Go's own resolver",
    needs: without('go'),
    kinds: everyKind,
    searches: 'always',
    whole: true,
    ask: program(goProgram, { GODEBUG: 'netdns=go' }),
  },
  {
    name: 'Go through cgo',
    needs: without('go', 'gcc'),
    kinds: everyKind,
    searches: 'always',
    whole: true,
    ask: program(goProgram, { GODEBUG: 'netdns=cgo' }),
  },
  {
    name: 'InetAddress (OpenJDK)',
    needs: without('java', 'javac'),
    kinds: addressKinds,
    searches: 'always',
    whole: true,
    ask: program(
      compiled(
        (file) => ['javac', '-d', file, source('Lookup.java')],
        (file) => ['java', '-XX:TieredStopAtLevel=1', '-cp', file, 'Lookup'],
      ),
    ),
  },
  {
    name: 'dnspython',
    needs: python === undefined && unmet('needs dnspython (Debian: python3-dnspython)'),
    kinds: recordKinds,
    searches: 'always',
    whole: true,
    ask: program(() => [python!, source('lookup.py')]),
  },
  {
    name: 'c-ares',
    needs: without('gcc') || (!existsSync('/usr/include/ares.h') && unmet('needs c-ares (Debian: libc-ares-dev)')),
    kinds: everyKind,
    searches: 'always',
    whole: true,
    ask: program(
      compiled(
        (file) => ['gcc', '-O1', '-o', file, source('c-ares.c'), '-lcares'],
        (file) => [file],
      ),
    ),
  },
  {
    name: "dns.resolve (Node.js's c-ares)",
    needs: false,
    kinds: recordKinds,
    searches: 'never',
    whole: true,
    ask: program(() => [runtime, source('node.ts')]),
  },
  {
    name: 'dig +search',
    needs: without('dig'),
    kinds: recordKinds,
    searches: 'below ndots',
    whole: true,
    ask: command((kind, what) => ['dig', '+search', ...reversible(kind, what)], fromMessage),
  },
  {
    name: 'kdig',
    needs: without('kdig'),
    kinds: recordKinds,
    searches: 'never',
    whole: true,
    ask: command((kind, what) => ['kdig', ...reversible(kind, what)], fromMessage),
  },
  {
    name: 'drill',
    needs: without('drill'),
    kinds: recordKinds,
    searches: 'never',
    whole: false,
    ask: command((kind, what) => ['drill', ...reversible(kind, what)], fromMessage),
  },
  {
    name: 'nslookup (BusyBox)',
    needs: without('busybox'),
    kinds: recordKinds,
    searches: 'single labels',
    whole: false,
    ask: command(
      (kind, what) => ['busybox', 'nslookup', ...(kind === 'PTR' ? [] : [`-type=${kind}`]), what],
      fromNslookup,
    ),
  },
]

export const removePrograms = () => rmSync(folder, { recursive: true, force: true })
