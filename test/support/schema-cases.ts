/** How a directive may be written, and how not, as a table. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError } from '../../src/corefile/schema.ts'
import type { Plugin } from '../../src/plugin/contract.ts'
import { setUp } from './plugin-harness.ts'

/**
 * Written as `|` between lines. Each was given to CoreDNS, which accepts and refuses the same; where it decides
 * otherwise, the plugin's README says so.
 */
export interface SchemaCases {
  readonly accepted: readonly string[]
  /** Text, and what the error says, its place in front. */
  readonly refused: readonly (readonly [string, RegExp])[]
}

export function specifySchema(plugin: Plugin, { accepted, refused }: SchemaCases): void {
  describe(`the directive ${plugin.name} in a Corefile`, () => {
    for (const text of accepted)
      it(`may be written '${text}'`, () => {
        setUp(plugin, text.replaceAll('|', '\n'))
      })
    for (const [text, error] of refused)
      it(`must not be written '${text}'`, () => {
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
