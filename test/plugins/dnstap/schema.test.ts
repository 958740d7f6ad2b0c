import { dnstap } from '../../../src/plugins/dnstap/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(dnstap, {
  accepted: [
    'dnstap /tmp/dnstap.sock',
    'dnstap dnstap.sock full',
    'dnstap unix:///tmp/dnstap.sock full 1 1',
    'dnstap tcp://127.0.0.1:6000 full 1024 4096 surplus',
    'dnstap tcp://example.com:6000 fulll',
    'dnstap tls://[::1]:6000 {|skipverify|}',
    'dnstap tcp://127.0.0.1',
    'dnstap /a|dnstap listen /b full',
    'dnstap /a {|identity a|identity b|version ""|extra "{type} {/a/b}"|}',
    'dnstap listen tls://127.0.0.1:6000 full {|tls cert key ca surplus|skipverify|}',
    'dnstap listen tls://127.0.0.1:6000',
  ],
  refused: [
    ['dnstap', /^Corefile:2:1 - Wrong argument count/],
    ['dnstap listen', /^Corefile:2:1 - dnstap listen needs an address/],
    ['dnstap tcp://[::1:6000', /^Corefile:2:8 - 'tcp:\/\/\[::1:6000' is not an address such as tcp:\/\/127.0.0.1:6000/],
    ['dnstap tcp://a:b', /^Corefile:2:8 - 'tcp:\/\/a:b' is not an address/],
    ['dnstap /a full x', /^Corefile:2:16 - 'x' is not an integer from 1 to 1024/],
    ['dnstap /a full 0', /^Corefile:2:16 - '0' is not an integer from 1 to 1024/],
    ['dnstap /a full 1025', /^Corefile:2:16 - '1025' is not an integer/],
    ['dnstap /a full 1 4097', /^Corefile:2:18 - '4097' is not an integer from 1 to 4096/],
    ['dnstap /a {|identity|}', /^Corefile:3:1 - Wrong argument count/],
    ['dnstap /a {|identity a b|}', /^Corefile:3:12 - unknown property 'b'/],
    ['dnstap /a {|skipverify x|}', /^Corefile:3:12 - unknown property 'x'/],
    ['dnstap /a {|tls cert key|}', /^Corefile:3:1 - 'tls' is only valid with 'listen'/],
    ['dnstap listen /a {|tls cert|}', /^Corefile:3:1 - Wrong argument count/],
    ['dnstap /a {|identiy x|}', /^Corefile:3:1 - unknown property 'identiy' of dnstap.*identity/],
  ],
})
