import { loadbalance } from '../../../src/plugins/loadbalance/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(loadbalance, {
  accepted: [
    'loadbalance',
    'loadbalance {|}',
    'loadbalance round_robin',
    'loadbalance {|prefer|}',
    'loadbalance round_robin {|prefer 10.0.0.0/8 ::/0|prefer 1.0.0.0/8|}',
    'loadbalance weighted /no/such/file',
    'loadbalance weighted /no/such/file {|reload -1s|}',
    'loadbalance|loadbalance round_robin',
  ],
  refused: [
    ['loadbalance foo', /^Corefile:2:13 - 'foo' is not one of 'round_robin', 'weighted'/],
    ['loadbalance round_robin x', /^Corefile:2:25 - Wrong argument count/],
    ['loadbalance weighted', /^Corefile:2:13 - weighted requires a weight file/],
    ['loadbalance weighted f x', /^Corefile:2:24 - Wrong argument count/],
    ['loadbalance weighted f {|reload 1s 2s|}', /^Corefile:3:11 - Wrong argument count/],
    ['loadbalance weighted f {|prefer 10.0.0.0/8|}', /^Corefile:3:1 - unknown property 'prefer'/],
    ['loadbalance {|reload 1s|}', /^Corefile:3:1 - unknown property 'reload'/],
    ['loadbalance {|prefer 10.0.0.1|}', /^Corefile:3:8 - '10\.0\.0\.1' is not a network/],
  ],
})
