import { proxyproto } from '../../../src/plugins/proxyproto/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(proxyproto, {
  accepted: [
    'proxyproto',
    'proxyproto {|}',
    'proxyproto|proxyproto',
    'proxyproto {|allow|}',
    'proxyproto {|allow 10.0.0.0/8 2001:db8::/32|allow 192.0.2.1/32|}',
    'proxyproto {|default USE|default skip|}',
    'proxyproto {|udp_session_tracking 0|}',
    'proxyproto {|udp_session_tracking -5s|}',
    'proxyproto {|udp_session_tracking 28s 1|}',
    'proxyproto {|udp_session_tracking 28s +20000|}',
    'proxyproto {|tlv_metadata|tlv_metadata|}',
  ],
  refused: [
    ['proxyproto x', /^Corefile:2:12 - Wrong argument count/],
    ['proxyproto {|allow 10.0.0.1|}', /^Corefile:3:7 - '10.0.0.1' is not a network/],
    ['proxyproto {|allow 10.0.0.0/33|}', /^Corefile:3:7 - '10.0.0.0\/33' is not a network/],
    ['proxyproto {|default|}', /^Corefile:3:1 - Wrong argument count/],
    ['proxyproto {|default use ignore|}', /^Corefile:3:13 - Wrong argument count/],
    ['proxyproto {|default require|}', /^Corefile:3:9 - 'require' is not one of 'use', 'ignore', 'reject', 'skip'/],
    ['proxyproto {|udp_session_tracking|}', /^Corefile:3:1 - Wrong argument count/],
    ['proxyproto {|udp_session_tracking 28|}', /^Corefile:3:22 - '28' is not a duration/],
    ['proxyproto {|udp_session_tracking 28s 0|}', /^Corefile:3:26 - '0' is not an integer of at least 1/],
    ['proxyproto {|udp_session_tracking 28s 1 2|}', /^Corefile:3:28 - Wrong argument count/],
    ['proxyproto {|tlv_metadata yes|}', /^Corefile:3:14 - Wrong argument count/],
    ['proxyproto {|alow 10.0.0.0/8|}', /^Corefile:3:1 - unknown property 'alow' of proxyproto.*allow/],
  ],
})
