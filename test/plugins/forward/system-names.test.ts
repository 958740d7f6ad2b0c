import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemAddresses } from '../../../src/plugins/forward/system-names.ts'

describe('the addresses of a host name that is not in any zone of ours', () => {
  for (const name of ['localhost', 'LOCALHOST', 'localhost.'])
    test(`${name} has those of /etc/hosts, although it has no dot`, async () => {
      const addresses = await systemAddresses(name)
      assert.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'), addresses.join(' '))
    })

  test('a name that nobody knows is an error that names it', async () => {
    await assert.rejects(systemAddresses('nosuch.invalid'), /nosuch\.invalid/)
  })
})
