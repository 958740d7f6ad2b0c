import { resolve } from 'node:path'
import type { SigningKey } from '../../dnssec/key.ts'
import { keyFileBase, readKeyFiles } from '../../dnssec/key-files.ts'
import type { FileReading, Held, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { createTurns, type InTurn } from '../../scheduling/turns.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { schema, type ZoneToSign } from './settings.ts'
import { createZoneSigner } from './signer.ts'

const plugin = 'sign'

/** Signs zone files, which `file` and `auto` serve. */
export const sign: Plugin<readonly ZoneToSign[]> = {
  name: plugin,
  schema,
  readFiles(zones, reading) {
    for (const { keys } of zones) for (const key of keys) readKey(key, reading)
  },
  setup,
}

function setup(zones: readonly ZoneToSign[], setup: Setup): Instance {
  const { block, clock, log, metrics, process } = setup
  let turns: Held<InTurn> | undefined
  const failures = metrics.counter('slicedns_sign_failures_total', 'Zones that could not be signed.', ['zone'])
  const signers = zones.map(({ zone, file, directory, keys }) =>
    createZoneSigner({
      zone,
      source: resolve(block.root, file),
      target: resolve(block.root, directory, `db.${zone}signed`),
      keys: keys.map((key) => readKey(key, setup)),
      clock,
      log,
      inTurn: (work) => turns?.value(work) ?? Promise.resolve(),
      onFailure: () => failures.with(zone).inc(),
    }),
  )
  return {
    start() {
      turns = process.acquire('sign turns', () => ({ value: createTurns(), stop: () => undefined }))
      for (const signer of signers) signer.start()
    },
    stop() {
      for (const signer of signers) signer.stop()
      turns?.release()
    },
  }
}

function readKey({ text, at }: ZoneToSign['keys'][number], { block, fail }: FileReading): SigningKey {
  try {
    const key = readKeyFiles(resolve(block.root, keyFileBase(text)))
    if (key.role !== 'ksk') throw new RangeError(`the DNSKEY in ${text} is not a CSK/KSK: its SEP bit is not set`)
    return key
  } catch (error) {
    return fail(`cannot read a key: ${errorMessage(error)}`, at)
  }
}
