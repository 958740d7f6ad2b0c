import { etcd } from '../../../src/plugins/etcd/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(etcd, {
  accepted: [
    'etcd',
    'etcd a.example b.example 10.0.0.0/24',
    'etcd {|endpoint http://127.0.0.1:2379 https://etcd.example:2379|}',
    'etcd {|endpoint 127.0.0.1:2379|path skydns|fallthrough a.example|}',
    'etcd {|credentials user password|}',
    'etcd {|tls|no_apex_fallback|stubzones|debug|upstream 8.8.8.8:53|}',
    'etcd {|min-lease-ttl 60|max-lease-ttl 1h|}',
    'etcd {|min-lease-ttl 2h|max-lease-ttl 1h|}',
  ],
  refused: [
    ['etcd {|endpoint|}', /^Corefile:3:1 - Wrong argument count/],
    ['etcd {|endpoint unix:///run/etcd.sock|}', /^Corefile:3:10 - endpoint: 'unix:.*' is not an endpoint/],
    ['etcd {|endpoints http://127.0.0.1:2379|}', /^Corefile:3:1 - unknown property 'endpoints' of etcd.*endpoint/],
    ['etcd {|path|}', /^Corefile:3:1 - Wrong argument count/],
    ['etcd {|credentials user|}', /^Corefile:3:1 - Wrong argument count/],
    ['etcd {|credentials user password more|}', /^Corefile:3:27 - Wrong argument count/],
    ['etcd {|tls a b c d|}', /^Corefile:3:11 - Wrong argument count/],
    [
      'etcd {|tls /nowhere/cert.pem /nowhere/key.pem|}',
      /^Corefile:2:1 - .*tls: open \/nowhere\/.*: no such file or directory/,
    ],
    ['etcd {|no_apex_fallback yes|}', /^Corefile:3:18 - Wrong argument count/],
    ['etcd {|min-lease-ttl soon|}', /^Corefile:3:15 - 'soon' is not/],
    ['etcd {|min-lease-ttl -5s|}', /^Corefile:3:15 - '-5s' is not/],
    ['etcd {|min-lease-ttl 5000000000|}', /^Corefile:3:15 - '5000000000' is not/],
  ],
})
