/** What web pages of other sites, and slow or hostile readers, can get from the console. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isOwnHost } from '../../../src/plugins/console/security.ts'

describe('the Host field of a request to the console', () => {
  for (const host of [
    'localhost',
    'localhost:8053',
    'LocalHost:8053',
    '127.0.0.1:8053',
    '10.0.0.10',
    '[::1]:8053',
    '[fd00::10]',
    'dns.example:8053',
  ])
    it(`the host may be ${host} where the console listens on dns.example`, () =>
      assert.ok(isOwnHost(host, 'dns.example')))
  for (const host of [
    '',
    'evil.example',
    'evil.example:8053',
    'localhost.evil.example',
    'localhost:8053@evil.example',
    '127.0.0.1.nip.io',
    '127.0.0.1:8053:1',
    '[evil.example]',
    '[127.0.0.1]',
    'localhost, evil.example',
    '0x7f000001',
    '2130706433',
  ])
    it(`the host must not be '${host}'`, () => assert.ok(!isOwnHost(host, 'dns.example')))
  it('the host is no name where the console listens on every address', () => assert.ok(!isOwnHost('dns.example', '')))
})
