import { k8sExternal } from '../../../src/plugins/k8s_external/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(k8sExternal, {
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
    ['k8s_external {|headless yes|}', /^Corefile:3:10 - unknown property 'yes'/],
    ['k8s_external {|foo|}', /^Corefile:3:1 - unknown property 'foo' of k8s_external/],
  ],
})
