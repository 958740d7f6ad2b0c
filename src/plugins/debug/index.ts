import { argCount, noBody } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import type { Plugin } from '../../plugin/contract.ts'

const schema: DirectiveSchema<void> = {
  usage: 'debug',
  repeat: 'many',
  read({ occurrences }) {
    for (const directive of occurrences) {
      argCount(directive, 0, 0)
      noBody(directive)
    }
  },
}

/** Enables DEBUG lines of the whole process, as long as any block of the running configuration has it. */
export const debug: Plugin<void> = {
  name: 'debug',
  schema,
  setup(_, { process, log }) {
    let held: { release(): void } | undefined
    return {
      start() {
        held = process.acquire('debug log', () => ({
          value: undefined,
          start: () => log.setDebug?.(true),
          stop: () => log.setDebug?.(false),
        }))
      },
      stop() {
        held?.release()
      },
    }
  },
}
