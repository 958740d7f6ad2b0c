/** What slicedns answers under a Corefile, beside what CoreDNS does. */
import type { Replies } from './replies.ts'
import { answersOf } from './servers.ts'
import type { World } from './world.ts'

export interface Compared {
  readonly name: string
  readonly questions: number
  readonly differences: readonly string[]
}

/** Differences that docs/differences.md has, by Corefile: CoreDNS's reply as we would give it. */
const excuses: Readonly<Record<string, (theirs: string, ours: string | undefined) => string | undefined>> = {
  // CoreDNS asks etcd, which is not there, about each name: SERVFAIL after 5 s, longer than anybody waits.
  'external-dns-etcd': (theirs, ours) => (theirs === 'no reply' && /^SERVFAIL/m.test(ours ?? '') ? ours : theirs),
  // CoreDNS asks for ServiceImports in protobuf alone, which no custom resource has: it denies nothing.
  'mcs-api': (theirs, ours) => (theirs.startsWith('SERVFAIL') || /^SERVFAIL/m.test(theirs) ? ours : theirs),
}

export async function compareAnswers(world: World, name: string): Promise<Compared> {
  const theirs = await answersOf(world, 'coredns', name)
  const ours = await answersOf(world, 'slicedns', name)
  return { name, questions: theirs.size, differences: differencesOf(name, theirs, ours) }
}

function differencesOf(name: string, theirs: Replies, ours: Replies): string[] {
  return [...theirs].flatMap(([key, text]) => {
    const got = ours.get(key)
    const wanted = excuses[name]?.(text, got) ?? text
    return got === wanted ? [] : [`${key}\n${got}\ninstead of\n${wanted}`]
  })
}
