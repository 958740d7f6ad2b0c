/**
 * The case language: a cluster, questions, and whole replies in zone-file text. Each case is asked of the bare chain
 * and of the answer table, which must agree octet by octet, and over every transport by connections; what the case does not say is
 * empty.
 *
 *     spec('k8s-dns 1.1.0 §2.4.1: headless service, A records', {
 *       cluster: `service hdls testns headless
 *                 endpoint hdls testns 172.0.0.2 ready`,
 *       cases: [
 *         { name: 'lists each ready endpoint', ask: 'hdls.testns.svc.cluster.local. A',
 *           answer: ['hdls.testns.svc.cluster.local. 5 IN A 172.0.0.2'] },
 *       ],
 *     })
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rcodeName } from '../../src/dns/codes.ts'
import { encodeMessage } from '../../src/dns/encode.ts'
import type { Message, ResourceRecord } from '../../src/dns/message.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import { askEveryWay } from './every-transport.ts'
import { createKubernetesHarness, fixedSerial, type KubernetesHarness, question } from './kubernetes-harness.ts'

export interface Spec {
  /** Lines of a `kubernetes` block's body. */
  readonly options?: string
  /** ZONES of the directive. Default: `cluster.local in-addr.arpa ip6.arpa`. */
  readonly zones?: string
  /** Addresses of this machine. */
  readonly localAddresses?: readonly string[]
  /** Resources are not read until a line says `synced`. */
  readonly unsynced?: boolean
  /** Lines of cluster-notation.ts. */
  readonly cluster?: string
  /**
   * In order: a case begins with the changes of those before it. It has a cluster of its own to which these are made
   * again, so each can run alone.
   */
  readonly cases: readonly Case[]
}

export interface Case {
  readonly name: string
  /** What happens to the cluster before the question: lines of cluster-notation.ts. */
  readonly when?: string
  /** Milliseconds that pass then. */
  readonly passed?: number
  /** `NAME TYPE`; several questions have the same reply, up to the owner's name. */
  readonly ask: string
  readonly rcode?: string
  readonly answer?: readonly string[]
  readonly authority?: readonly string[]
  readonly additional?: readonly string[]
  /**
   * Where in [0, 1) the backend of a split is drawn for this reply. The order of SRV records, which is drawn as well, is
   * not compared then.
   */
  readonly drawn?: number
  /** The query goes on to the next plugin instead. */
  readonly fallsThrough?: boolean
  /** Which must answer, when that matters. */
  readonly by?: 'table' | 'chain'
  /** What other zones answer to the plugin's own lookups: `NAME TYPE` to records. */
  readonly elsewhere?: Readonly<Record<string, readonly string[]>>
}

/** The SOA record of negative answers, as the clock of these tests has it. */
export function soa(ttl = 5, zone = 'cluster.local.', serial = fixedSerial): string {
  const timers = `${serial} 7200 1800 86400 ${ttl}`
  return `${zone} ${Math.min(ttl, 300)} IN SOA ns.dns.${zone} hostmaster.${zone} ${timers}`
}

export function spec(title: string, { cases, ...given }: Spec): void {
  describe(title, () => {
    for (const [index, each] of cases.entries())
      test(each.name, async () => {
        const cluster = createKubernetesHarness(given)
        for (const earlier of cases.slice(0, index)) await change(cluster, earlier)
        await change(cluster, each)
        await check(cluster, each, given)
      })
  })
}

async function change(cluster: KubernetesHarness, { when, passed }: Case): Promise<void> {
  if (when) cluster.apply(when)
  if (passed) {
    // What has happened is compiled before its time is over.
    await cluster.settled()
    cluster.pass(passed)
  }
}

async function check(cluster: KubernetesHarness, wanted: Case, given: Omit<Spec, 'cases'>): Promise<void> {
  await cluster.settled()
  cluster.drawAt(wanted.drawn ?? 0)
  const [name, type] = wanted.ask.split(' ')
  const chain = await cluster.askChain(name, type, wanted.elsewhere ?? {})
  const context = `\n;; ${wanted.ask}\n;; options: ${given.options ?? ''}\n;; cluster: ${given.cluster ?? ''}`
  if (wanted.fallsThrough) {
    assert.equal(chain, 'next', `the query goes to the next plugin${context}`)
  } else {
    assert.notEqual(chain, 'next', `the plugin answers itself${context}`)
    assert.equal(replyText(chain as Message), wantedText(wanted), `wanted below, got above${context}`)
  }
  // The chain's answer may make the name one of the table's: it is asked twice.
  await cluster.settled()
  const table = cluster.askTable(name, type)
  if (wanted.by) assert.equal(table === undefined ? 'chain' : 'table', wanted.by, `who answers${context}`)
  const seen = wanted.drawn === undefined ? inFull : inAnyOrder
  if (table) assert.deepEqual(seen(table), seen(chain as Message), `table and chain agree${context}`)
  if (wanted.fallsThrough) return
  const asked = encodeMessage(question(name, type), { limit: 0xffff })
  for (const [way, reply] of await askEveryWay(cluster.serve(wanted.elsewhere ?? {}), asked))
    assert.deepEqual(seen(parseMessage(reply)), seen(chain as Message), `the chain and ${way} agree${context}`)
}

function wantedText(wanted: Case): string {
  const lines = (records: readonly string[] = []): string[] => records.map((text) => recordText(parseRecord(text)))
  return text(wanted.rcode ?? 'NOERROR', true, [
    lines(wanted.answer),
    lines(wanted.authority),
    lines(wanted.additional),
  ])
}

function replyText(reply: Message): string {
  const lines = (records: readonly ResourceRecord[]): string[] => records.map(recordText)
  return text(rcodeName(reply.rcode), reply.authoritative, [
    lines(reply.answer),
    lines(reply.authority),
    lines(reply.additional),
  ])
}

/** As dig prints it. The order of records in a section is nobody's promise. */
function text(rcode: string, authoritative: boolean, sections: readonly (readonly string[])[]): string {
  const names = ['ANSWER', 'AUTHORITY', 'ADDITIONAL']
  const printed = sections.map((lines, i) => [`;; ${names[i]}`, ...lines.toSorted()].join('\n'))
  return [`;; ${rcode}${authoritative ? ' aa' : ''}`, ...printed].join('\n')
}

/** Everything that a client sees, in its order. */
function inFull(message: Message): object {
  const { answer, authority, additional, ...rest } = message
  const lines = (records: readonly ResourceRecord[]): string[] => records.map(recordText)
  return { ...rest, answer: lines(answer), authority: lines(authority), additional: lines(additional) }
}

function inAnyOrder({ answer, additional, ...rest }: Message): object {
  const sorted = (records: readonly ResourceRecord[]) =>
    records.toSorted((a, b) => (recordText(a) < recordText(b) ? -1 : 1))
  return inFull({ ...rest, answer: sorted(answer), additional: sorted(additional) })
}
