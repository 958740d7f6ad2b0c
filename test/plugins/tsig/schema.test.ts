import { tsig } from '../../../src/plugins/tsig/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(tsig, {
  accepted: [
    'tsig',
    'tsig {|}',
    'tsig a.example {|secret k.a.example. c2VjcmV0|}',
    'tsig {|secret a c2VjcmV0|secret b c2VjcmV0|require all|require_opcode UPDATE NOTIFY|}',
    'tsig {|require AXFR IXFR|require none|require_opcode all|}',
    'tsig {|secret a not-base64!!|}',
    'tsig {|require none bogus|}',
  ],
  refused: [
    ['tsig {|}|tsig {|}', /^Corefile:4:1 - .*tsig/],
    ['tsig {|secret a|}', /^Corefile:3:1 - Wrong argument count/],
    ['tsig {|secret a c2VjcmV0|secret A. c2VjcmV0|}', /^Corefile:4:8 - the key a\. is defined twice/],
    ['tsig {|require|}', /^Corefile:3:1 - Wrong argument count/],
    ['tsig {|require BOGUS|}', /^Corefile:3:9 - 'BOGUS' is not a query type/],
    ['tsig {|require_opcode NOPE|}', /^Corefile:3:16 - 'NOPE' is not an opcode such as UPDATE/],
    [
      'tsig {|secrets /nonexistent|}',
      /^Corefile:3:9 - plugin\/tsig: cannot read keys from \/nonexistent: stat \/nonexistent: no such file or directory/,
    ],
    ['tsig {|algorithm x|}', /^Corefile:3:1 - unknown property 'algorithm' of tsig/],
  ],
})
