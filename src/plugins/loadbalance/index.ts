import { resolve } from 'node:path'
import { argCount, duration, fail, list, network, oneOf, option, readBody, value } from '../../corefile/read.ts'
import type { Directive, DirectiveSchema } from '../../corefile/schema.ts'
import { inPrefix, type Prefix } from '../../dns/address.ts'
import { rcode, type } from '../../dns/codes.ts'
import type { Message, ResourceRecord } from '../../dns/message.ts'
import { dataPlaneEffects } from '../../plugin/capabilities/data-plane-effects.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { type Provided, provide } from '../../plugin/capability.ts'
import type { FileReading, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import type { Handler, Outcome } from '../../plugin/query.ts'
import { placed } from '../../plugin/transparency-of.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { drawnFirst, preferred, shuffled } from './order.ts'
import { openWeightFile, type WeightFile } from './weight-file.ts'

type Settings =
  | { readonly policy: 'round_robin'; readonly prefer: readonly Prefix[] }
  /** `reload`: milliseconds between two checks of the file, 0: no checks. */
  | { readonly policy: 'weighted'; readonly file: string; readonly reload: number }

const halfMinute = 30_000

const schema: DirectiveSchema<Settings> = {
  usage: 'loadbalance [round_robin | weighted FILE] { prefer NETWORK... | reload DURATION }',
  repeat: 'many',
  read({ occurrences }) {
    // The last one counts, as in CoreDNS.
    return occurrences.map(readOne).at(-1)!
  },
}

function readOne(directive: Directive): Settings {
  const [policy, file] = directive.args
  if (policy === undefined || policy.text === 'round_robin') {
    argCount(directive, 0, 1)
    const { prefer } = readBody(directive, { prefer: list(network(), { min: 0, repeat: 'append', default: [] }) })
    return { policy: 'round_robin', prefer: prefer.map(({ bytes, length }) => ({ address: bytes, bits: length })) }
  }
  value(oneOf(['round_robin', 'weighted']), policy, 'loadbalance')
  if (file === undefined) throw fail('weighted requires a weight file', policy)
  argCount(directive, 2, 2)
  const { reload } = readBody(directive, { reload: option(duration(), { default: halfMinute }) })
  return { policy: 'weighted', file: file.text, reload }
}

/** Changes the order of addresses from reply to reply, to spread clients that use the first one. */
export const loadbalance: Plugin<Settings> = {
  name: 'loadbalance',
  schema,
  readFiles(settings, reading) {
    if (settings.policy === 'weighted') open(resolve(reading.block.root, settings.file), settings.reload, reading)
  },
  setup: (settings, setup) =>
    settings.policy === 'weighted' ? weighted(settings, setup) : roundRobin(settings.prefer, setup),
}

function roundRobin(prefer: readonly Prefix[], { directive }: Setup): Instance {
  const shuffleAll = (records: readonly ResourceRecord[]) => shuffled(records, Math.random)
  const shuffle = (message: Message): Message => ({
    ...message,
    answer: shuffleAll(message.answer),
    authority: shuffleAll(message.authority),
    additional: shuffleAll(message.additional),
  })
  if (prefer.length === 0)
    return {
      handler: reordering(shuffle),
      provides: [provide(dataPlaneEffects, { shuffle: true }), provide(relayPassage, passesEverything)],
    }

  const rank = (address: Uint8Array): number => {
    const found = prefer.findIndex((prefix) => inPrefix(prefix, address))
    return found === -1 ? prefer.length : found
  }
  const preferAfterShuffle = (message: Message): Message => {
    const even = shuffle(message)
    return { ...even, answer: preferred(even.answer, rank), additional: preferred(even.additional, rank) }
  }
  return {
    handler: reordering(preferAfterShuffle),
    provides: [claimAll("'prefer' orders each reply in the chain", directive)],
  }
}

function weighted({ file, reload }: Settings & { policy: 'weighted' }, setup: Setup): Instance {
  const weightFile = open(resolve(setup.block.root, file), reload, setup)
  const draw = (records: readonly ResourceRecord[]) => drawnFirst(records, weightFile.weights().of, Math.random)
  const drawForAddresses = (message: Message): Message => {
    const asked = message.questions[0]?.type
    if (asked !== type.A && asked !== type.AAAA && asked !== type.SRV) return message
    return { ...message, answer: draw(message.answer), additional: draw(message.additional) }
  }
  let watch: { stop(): void } | undefined
  return {
    handler: reordering(drawForAddresses),
    provides: [claimAll("'weighted' draws the first address in the chain", setup.directive)],
    start() {
      watch = weightFile.watch()
    },
    stop() {
      watch?.stop()
    },
  }
}

function open(path: string, reload: number, { clock, log, fail }: FileReading): WeightFile {
  try {
    return openWeightFile(path, reload, clock, log)
  } catch (error) {
    return fail(errorMessage(error))
  }
}

/** Applies an order to positive replies. Zone transfers are not changed, because their order matters. */
function reordering(order: (message: Message) => Message): Handler {
  const change = (outcome: Outcome): Outcome => {
    if (outcome.kind !== 'reply' || outcome.message.rcode !== rcode.NOERROR) return outcome
    return { ...outcome, message: order(outcome.message) }
  }
  return (query, next) =>
    query.qtype === type.AXFR || query.qtype === type.IXFR ? next(query) : withOutcome(next(query), change)
}

function claimAll(text: string, { at }: Directive): Provided {
  const reason = placed({ reason: text, at })
  return provide(transparency, { claims: () => ({ answers: 'all', reason }), claimsBelow: () => ({ reason }) })
}
