import { transfer } from '../../../src/plugins/transfer/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(transfer, {
  accepted: [
    'transfer {|to *|}',
    'transfer {|to 1.2.3.4:5300 [::1]:53 ::1 1.2.3.4:|}',
    'transfer {|to 1.2.3.4 *|to 5.6.7.8|}',
    'transfer {|to 1.2.3.4:x 1.2.3.4:99999 fe80::1%eth0|}',
    'transfer a.example b.example {|to *|source 1.2.3.4|}',
    'transfer {|to *|}|transfer a.example {|to *|}',
  ],
  refused: [
    ['transfer', /^Corefile:2:1 - 'to' is required/],
    ['transfer {|}', /^Corefile:2:1 - 'to' is required/],
    ['transfer {|source 1.2.3.4|}', /^Corefile:2:1 - 'to' is required/],
    ['transfer {|to|}', /^Corefile:3:1 - Wrong argument count/],
    ['transfer {|to [::1]|}', /^Corefile:3:4 - '\[::1\]' is not an IP address, perhaps with a port, or '\*'/],
    ['transfer {|to host|}', /^Corefile:3:4 - 'host' is not an IP address/],
    ['transfer {|to *|source x|}', /^Corefile:4:8 - 'x' is not an IP address/],
    ['transfer {|to *|source 1.2.3.4 5.6.7.8|}', /^Corefile:4:16 - Wrong argument count/],
    ['transfer {|to *|source 1.2.3.4|source 5.6.7.8|}', /^Corefile:5:1 - 'source' of transfer can only be given once/],
    ['transfer {|from 1.2.3.4|}', /^Corefile:3:1 - unknown property 'from' of transfer/],
  ],
})
