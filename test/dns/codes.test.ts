/** Types, classes and rcodes have the names that CoreDNS 1.15.0's DNS library gives them, in the log and in the Corefile. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { className, rcodeName, typeName, typeNumber } from '../../src/dns/codes.ts'
import { queryClass, queryType, responseCode } from '../../src/plugin/dns-values.ts'

const everyNumber = Array.from({ length: 65_536 }, (_, number) => number)

describe('the names of codes', () => {
  it('a type is read back from its name, as a query type of the Corefile if it has a name of its own', () => {
    for (const number of everyNumber) {
      const name = typeName(number)
      if (number !== 0) assert.equal(typeNumber(name), number, name)
      assert.equal(queryType().parse(name), name.startsWith('TYPE') ? undefined : number, name)
    }
  })

  it('88 types have a name', () =>
    assert.equal(everyNumber.filter((number) => !typeName(number).startsWith('TYPE')).length, 88))

  const types = { 0: 'None', 23: 'NSAP-PTR', 27: 'GPOS', 58: 'TALINK', 107: 'LP', 128: 'NXNAME', 260: 'AMTRELAY' }
  for (const [number, name] of Object.entries(types))
    it(`type ${number} is ${name}`, () => assert.equal(typeName(Number(number)), name))

  it('a type without a name is TYPE and its number', () =>
    assert.deepEqual([11, 22, 38, 40, 129, 259, 32_770].map(typeName), [
      'TYPE11',
      'TYPE22',
      'TYPE38',
      'TYPE40',
      'TYPE129',
      'TYPE259',
      'TYPE32770',
    ]))

  it('a class whose name is that of a type is CLASS and its number', () =>
    assert.deepEqual([1, 2, 3, 4, 5, 254, 255].map(className), ['IN', 'CS', 'CH', 'HS', 'CLASS5', 'NONE', 'CLASS255']))

  it('a class of the Corefile has its name, ANY among them', () =>
    assert.deepEqual(['IN', 'CS', 'ANY', 'CLASS255'].map(queryClass().parse), [1, 2, 255, undefined]))

  it('an rcode has its name, and 16 that of TSIG', () =>
    assert.deepEqual([0, 11, 12, 16, 23, 24].map(rcodeName), [
      'NOERROR',
      'DSOTYPENI',
      'RCODE12',
      'BADSIG',
      'BADCOOKIE',
      'RCODE24',
    ]))

  it('an rcode of the Corefile has its name', () =>
    assert.deepEqual(['DSOTYPENI', 'BADSIG', 'NOTIMPL', 'BADVERS'].map(responseCode().parse), [11, 16, 4, undefined]))
})
