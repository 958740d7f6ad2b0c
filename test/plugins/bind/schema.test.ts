import { bind } from '../../../src/plugins/bind/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(bind, {
  accepted: [
    'bind 127.0.0.1',
    'bind ::1',
    'bind 127.0.0.1 {|}',
    'bind 127.0.0.1|bind 127.0.0.2',
    'bind 127.0.0.1 ::1 {|except ::1|}',
  ],
  refused: [
    ['bind', /^Corefile:2:1 - at least one address or interface name/],
    ['bind nope', /^Corefile:2:6 - plugin\/bind: 'nope' is neither an IP address nor an interface/],
    ['bind [::1]', /^Corefile:2:6 - .*not an IP address or the name of an interface/],
    ['bind 127.0.0.1:53', /^Corefile:2:6 - .*not an IP address or the name of an interface/],
    ['bind 127.0.0.1 {|except|}', /^Corefile:3:1 - Wrong argument count/],
    ['bind 127.0.0.1 {|except nope|}', /^Corefile:3:8 - .*'nope' is neither/],
    ['bind 127.0.0.1 {|except 127.0.0.1|}', /'except' leaves no address/],
    ['bind 127.0.0.1 {|foo|}', /^Corefile:3:1 - unknown property 'foo'/],
  ],
})
