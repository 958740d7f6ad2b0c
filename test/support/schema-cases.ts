/** How directives may be written, and how not, as tables. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError } from '../../src/corefile/schema.ts'
import type { Plugin } from '../../src/plugin/contract.ts'
import { setUp } from './plugin-rig.ts'

/** Written as `|` between lines. Each was given to CoreDNS 1.14.7, which accepts and refuses the same. */
export interface Case {
  readonly plugin: Plugin
  readonly accepted: readonly string[]
  /** Text, and what the error says, its place in front. */
  readonly refused: readonly (readonly [string, RegExp])[]
}

export function specifySchemas(cases: readonly Case[]): void {
  for (const { plugin, accepted, refused } of cases)
    describe(`${plugin.name} in a Corefile`, () => {
      for (const text of accepted)
        it(`may be written ${text}`, () => {
          setUp(plugin, text.replaceAll('|', '\n'))
        })
      for (const [text, error] of refused)
        it(`may not be written ${text}`, () => {
          assert.throws(
            () => setUp(plugin, text.replaceAll('|', '\n')),
            (thrown: unknown) => {
              assert.ok(thrown instanceof ConfigError)
              assert.match(thrown.message, error)
              return true
            },
          )
        })
    })
}
