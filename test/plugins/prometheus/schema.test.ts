import { prometheus } from '../../../src/plugins/prometheus/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(prometheus, {
  accepted: [
    'prometheus',
    'prometheus :99999',
    'prometheus localhost:9153 {|}',
    'prometheus {|runtime_metrics|tls /no/such/file|}',
    'prometheus {|compatibility_metrics|}',
  ],
  refused: [
    ['prometheus localhost', /^Corefile:2:12 - 'localhost' is not an address/],
    ['prometheus :1 x', /^Corefile:2:15 - Wrong argument count/],
    ['prometheus {|foo|}', /^Corefile:3:1 - unknown property 'foo'/],
    ['prometheus {|runtime_metrics x|}', /^Corefile:3:17 - Wrong argument count/],
    ['prometheus {|compatibility_metrics x|}', /^Corefile:3:23 - Wrong argument count/],
    ['prometheus {|tls|}', /^Corefile:3:1 - Wrong argument count/],
    ['prometheus|prometheus', /can only be used once per Server Block/],
  ],
})
