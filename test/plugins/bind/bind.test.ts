import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listenAddresses } from '../../../src/plugin/capabilities/listening.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import { createBind } from '../../../src/plugins/bind/index.ts'
import { setUp } from '../../support/plugin-harness.ts'

const machine = {
  lo: [{ address: '127.0.0.1' }, { address: '::1' }],
  eth0: [{ address: '192.0.2.7' }, { address: '2001:db8::7' }, { address: 'fe80::7' }],
}

describe('bind', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['bind 127.0.0.1', ['127.0.0.1']],
    ['bind 192.0.2.7 ::1', ['192.0.2.7', '::1']],
    ['bind 2001:DB8:0::7', ['2001:db8::7']],
    ['bind lo', ['127.0.0.1', '::1']],
    ['bind eth0', ['192.0.2.7', '2001:db8::7', 'fe80::7%eth0']],
    ['bind lo\nbind 192.0.2.7', ['127.0.0.1', '::1', '192.0.2.7']],
    ['bind lo {\nexcept ::1\n}', ['127.0.0.1']],
    ['bind lo eth0 {\nexcept 192.0.2.7\nexcept lo\n}', ['192.0.2.7', '2001:db8::7', 'fe80::7%eth0']],
    ['bind lo {\nexcept ::1\n}\nbind ::1', ['127.0.0.1', '::1']],
    ['bind 127.0.0.1 127.0.0.1', ['127.0.0.1', '127.0.0.1']],
    ['bind 0.0.0.0', ['0.0.0.0']],
  ]
  for (const [text, addresses] of cases)
    it(`${text.replaceAll('\n', ' | ')} listens on ${addresses.join(', ')}`, () => {
      assert.deepEqual(
        capabilityOf(
          setUp(
            createBind(() => machine),
            text,
          ),
          listenAddresses,
        ),
        addresses,
      )
    })
})
