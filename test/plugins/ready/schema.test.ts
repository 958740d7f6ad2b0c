import { ready } from '../../../src/plugins/ready/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(ready, {
  accepted: [
    'ready',
    'ready 127.0.0.1:8181',
    'ready {|}',
    'ready {|monitor continuously|}',
    'ready {|monitor until-ready|}',
    'ready {|monitor continuously|monitor until-ready|}',
  ],
  refused: [
    ['ready localhost', /^Corefile:2:7 - 'localhost' is not an address/],
    ['ready :1 x', /^Corefile:2:10 - Wrong argument count/],
    ['ready {|monitor foo|}', /^Corefile:3:9 - 'foo' is not one of 'until-ready', 'continuously'/],
    ['ready {|monitor Continuously|}', /^Corefile:3:9 - 'Continuously' is not one of/],
    ['ready {|monitor|}', /^Corefile:3:1 - Wrong argument count/],
    ['ready {|monitor continuously x|}', /^Corefile:3:22 - Wrong argument count/],
    ['ready {|bar|}', /^Corefile:3:1 - unknown property 'bar'/],
    ['ready :1|ready :2', /can only be used once per Server Block/],
  ],
})
