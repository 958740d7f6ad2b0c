import { grpc } from '../../../src/plugins/grpc/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(grpc, {
  accepted: [
    'grpc . 127.0.0.1',
    'grpc . 127.0.0.1:9005 [::1]:53 2001:db8::1 grpc://192.0.2.1:443',
    'grpc . unix:///run/dns.sock 127.0.0.1',
    'grpc example.org 127.0.0.1 {|except a.example.org b.example.org|policy round_robin|fallthrough|}',
    'grpc . 127.0.0.1 {|tls|tls_servername dns.example.org|fallthrough example.org|}',
  ],
  refused: [
    ['grpc', /^Corefile:2:1 - Wrong argument count/],
    ['grpc .', /^Corefile:2:1 - Wrong argument count/],
    ['grpc a..b 127.0.0.1', /^Corefile:2:6 - 'a..b' is not a zone/],
    ['grpc . example.org', /^Corefile:2:8 - 'example.org' is not an IP address or a file that can be read/],
    ['grpc . https://127.0.0.1', /^Corefile:2:8 - 'https:\/\/127.0.0.1' is not an IP address or a file/],
    [
      'grpc . unix://dns.sock',
      /^Corefile:2:8 - 'unix:\/\/dns.sock' must name a socket by its absolute path, such as unix:\/\/\/run/,
    ],
    ['grpc . /no/such/file', /^Corefile:2:8 - '\/no\/such\/file' is not an IP address or a file that can be read/],
    [`grpc . ${'127.0.0.1 '.repeat(16)}`, /^Corefile:2:1 - more than 15 TOs configured: 16/],
    ['grpc . 127.0.0.1 {|policy first|}', /^Corefile:3:8 - 'first' is not/],
    ['grpc . 127.0.0.1 {|tls a b c d|}', /^Corefile:3:11 - Wrong argument count/],
    ['grpc . 127.0.0.1 {|tls no.pem no.key|}', /^Corefile:2:1 - plugin\/grpc: tls: /],
    ['grpc . 127.0.0.1 {|except|}', /^Corefile:3:1 - Wrong argument count/],
    ['grpc . 127.0.0.1 {|max_fails 1|}', /^Corefile:3:1 - unknown property 'max_fails' of grpc/],
    ['grpc . 127.0.0.1|grpc . 127.0.0.2', /^Corefile:3:1 - grpc: this plugin can only be used once/],
  ],
})
