import { secondary } from '../../../src/plugins/secondary/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(secondary, {
  accepted: [
    'secondary {|transfer from 192.0.2.1|}',
    'secondary a.example b.example {|transfer from 192.0.2.1:5300 [2001:db8::1]:53 2001:db8::1|}',
    'secondary {|transfer from 192.0.2.1|transfer from 192.0.2.2|fallthrough|fallthrough a.example|}',
    'secondary {|transfer from 192.0.2.1|}|secondary {|transfer from 192.0.2.2|}',
    'secondary {|transfer from 192.0.2.1|key k.example|}',
  ],
  refused: [
    ['secondary', /^Corefile:2:1 - 'transfer from' is required/],
    ['secondary {|fallthrough|}', /^Corefile:2:1 - 'transfer from' is required/],
    ['secondary {|transfer from|}', /^Corefile:3:1 - Wrong argument count/],
    ['secondary {|transfer to 192.0.2.1|}', /^Corefile:3:10 - unknown word 'to' of transfer/],
    ['secondary {|transfer from *|}', /^Corefile:3:15 - '\*' is not an IP address, perhaps with a port/],
    ['secondary {|transfer from host|}', /^Corefile:3:15 - 'host' is not an IP address/],
    ['secondary {|transfer from 192.0.2.1|upstream|}', /^Corefile:4:1 - unknown property 'upstream' of secondary/],
    ['secondary {|transfer from 192.0.2.1|key a..b|}', /^Corefile:4:5 - 'a\.\.b' is not the name of a key/],
  ],
})
