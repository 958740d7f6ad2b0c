/** How autopath, k8s_external and transfer may be written. */
import { autopath } from '../../src/plugins/autopath/index.ts'
import { k8sExternal } from '../../src/plugins/k8s_external/index.ts'
import { transfer } from '../../src/plugins/transfer/index.ts'
import { type Case, specifySchemas } from '../support/schema-cases.ts'

const cases: readonly Case[] = [
  {
    plugin: transfer,
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
      [
        'transfer {|to *|source 1.2.3.4|source 5.6.7.8|}',
        /^Corefile:5:1 - 'source' of transfer can only be given once/,
      ],
      ['transfer {|from 1.2.3.4|}', /^Corefile:3:1 - unknown property 'from' of transfer/],
    ],
  },
  {
    plugin: k8sExternal,
    accepted: [
      'k8s_external',
      'k8s_external example.org {|}',
      'k8s_external {|apex a b|ttl 5 6|}',
      'k8s_external {|ttl 0|headless|fallthrough|}',
      'k8s_external {|fallthrough a.example b.example|}',
      'k8s_external a.example {|ttl 1|}|k8s_external b.example {|headless|}',
    ],
    refused: [
      ['k8s_external {|apex|}', /^Corefile:3:1 - Wrong argument count/],
      ['k8s_external {|ttl|}', /^Corefile:3:1 - Wrong argument count/],
      ['k8s_external {|ttl 3601|}', /^Corefile:3:5 - '3601' is not an integer from 0 to 3600/],
      ['k8s_external {|ttl -1|}', /^Corefile:3:5 - '-1' is not an integer/],
      ['k8s_external {|ttl 5s|}', /^Corefile:3:5 - '5s' is not an integer/],
      ['k8s_external {|headless yes|}', /^Corefile:3:10 - Wrong argument count/],
      ['k8s_external {|foo|}', /^Corefile:3:1 - unknown property 'foo' of k8s_external/],
    ],
  },
  {
    plugin: autopath,
    accepted: [
      'autopath @kubernetes',
      'autopath @nosuch',
      'autopath @',
      'autopath a.example @kubernetes',
      'autopath /dev/null',
      'autopath /dev/null @kubernetes',
      'autopath @kubernetes|autopath /dev/null',
    ],
    refused: [
      ['autopath', /^Corefile:2:1 - autopath needs a file like resolv.conf, or @kubernetes/],
      ['autopath {|}', /^Corefile:2:1 - autopath takes no block/],
      ['autopath nosuchfile', /^Corefile:2:1 - plugin\/autopath: cannot read .*nosuchfile: ENOENT/],
      ['autopath /dev/null {|}', /^Corefile:2:1 - autopath takes no block/],
    ],
  },
]

specifySchemas(cases)
