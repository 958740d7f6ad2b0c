import { bind } from '../../src/plugins/bind/index.ts'
import { bufsize } from '../../src/plugins/bufsize/index.ts'
import { cancel } from '../../src/plugins/cancel/index.ts'
import { debug } from '../../src/plugins/debug/index.ts'
import { errors } from '../../src/plugins/errors/index.ts'
import { health } from '../../src/plugins/health/index.ts'
import { loadbalance } from '../../src/plugins/loadbalance/index.ts'
import { log } from '../../src/plugins/log/index.ts'
import { multisocket } from '../../src/plugins/multisocket/index.ts'
import { prometheus } from '../../src/plugins/prometheus/index.ts'
import { ready } from '../../src/plugins/ready/index.ts'
import { reload } from '../../src/plugins/reload/index.ts'
import { root } from '../../src/plugins/root/index.ts'
import { whoami } from '../../src/plugins/whoami/index.ts'
import { type Case, specifySchemas } from '../support/schema-cases.ts'

const cases: readonly Case[] = [
  {
    plugin: errors,
    accepted: [
      'errors',
      'errors stdout',
      'errors {|}',
      'errors {|stacktrace|stacktrace|}',
      'errors {|consolidate 5m ".*" warning show_first|}',
      'errors {|consolidate 5m ".*" show_first|}',
      'errors {|consolidate -5m a|consolidate 0 b|}',
      'errors {|consolidate 5m "(?i)^timeout (?P<x>[[:digit:]]+)\\z" info|}',
    ],
    refused: [
      ['errors x', /^Corefile:2:8 - 'x' is not 'stdout'/],
      ['errors stdout x', /^Corefile:2:15 - Wrong argument count/],
      ['errors {|stacktrace x|}', /^Corefile:3:12 - Wrong argument count/],
      ['errors {|consolidate 5m|}', /^Corefile:3:1 - Wrong argument count/],
      ['errors {|consolidate 5m ".*" foo|}', /^Corefile:3:21 - 'foo' is not one of 'warning'/],
      ['errors {|consolidate 5m ".*" show_first warning|}', /^Corefile:3:32 - show_first stands once, after the level/],
      ['errors {|consolidate 5m a warning show_first x|}', /^Corefile:3:37 - Wrong argument count/],
      ['errors {|consolidate x ".*"|}', /^Corefile:3:13 - 'x' is no duration/],
      ['errors {|consolidate 5m "(?=a)"|}', /^Corefile:3:16 - cannot use '\(\?=a\)': look-ahead/],
      ['errors {|consolidate 5m "(a)\\1"|}', /references to groups/],
      ['errors {|consolidate 5m "("|}', /cannot use '\('/],
      ['errors {|foo|}', /^Corefile:3:1 - unknown property 'foo' of errors/],
      ['errors|errors', /^Corefile:3:1 - .*can only be used once per Server Block/],
    ],
  },
  {
    plugin: log,
    accepted: [
      'log',
      'log x',
      'log x y z {common}',
      'log {common}',
      'log a {combined} b',
      'log . {nosuch}',
      'log 10.0.0.0/15',
      'log /bad//',
      'log . {|}',
      'log . {|class error denial|class success|class all|}',
      'log|log a',
    ],
    refused: [
      ['log . {|class foo|}', /^Corefile:3:7 - 'foo' is not one of 'all'/],
      ['log . {|class Error|}', /^Corefile:3:7 - 'Error' is not one of/],
      ['log . {|class|}', /^Corefile:3:1 - Wrong argument count/],
      ['log . {|foo|}', /^Corefile:3:1 - unknown property 'foo' of log/],
    ],
  },
  {
    plugin: health,
    accepted: [
      'health',
      'health :18080',
      'health {|}',
      'health [::1]:80 {|lameduck -5s|}',
      'health {|lameduck 1s|lameduck 0|}',
      'health :18080|health :18081',
    ],
    refused: [
      ['health :99999', /^Corefile:2:8 - ':99999' is not an address to listen on/],
      ['health localhost', /^Corefile:2:8 - 'localhost' is not an address to listen on/],
      ['health :1 x', /^Corefile:2:11 - Wrong argument count/],
      ['health {|lameduck 5|}', /^Corefile:3:10 - '5' is not a duration/],
      ['health {|lameduck 1s 2s|}', /^Corefile:3:13 - Wrong argument count/],
      ['health {|lame duck|}', /^Corefile:3:1 - unknown property 'lame'/],
    ],
  },
  {
    plugin: ready,
    accepted: [
      'ready',
      'ready 127.0.0.1:8181',
      'ready {|}',
      'ready {|monitor continuously|}',
      'ready {|monitor until-ready|}',
    ],
    refused: [
      ['ready localhost', /^Corefile:2:7 - 'localhost' is not an address/],
      ['ready :1 x', /^Corefile:2:10 - Wrong argument count/],
      ['ready {|monitor foo|}', /^Corefile:3:9 - 'foo' is not one of 'until-ready', 'continuously'/],
      ['ready {|monitor|}', /^Corefile:3:1 - Wrong argument count/],
      ['ready {|monitor continuously x|}', /^Corefile:3:22 - Wrong argument count/],
      ['ready {|bar|}', /^Corefile:3:1 - unknown property 'bar'/],
      ['ready :1|ready :2', /can only be used once per Server Block/],
    ],
  },
  {
    plugin: prometheus,
    accepted: [
      'prometheus',
      'prometheus :99999',
      'prometheus localhost:9153 {|}',
      'prometheus {|runtime_metrics|tls /no/such/file|}',
    ],
    refused: [
      ['prometheus localhost', /^Corefile:2:12 - 'localhost' is not an address/],
      ['prometheus :1 x', /^Corefile:2:15 - Wrong argument count/],
      ['prometheus {|foo|}', /^Corefile:3:1 - unknown property 'foo'/],
      ['prometheus {|runtime_metrics x|}', /^Corefile:3:17 - Wrong argument count/],
      ['prometheus {|tls|}', /^Corefile:3:1 - Wrong argument count/],
      ['prometheus|prometheus', /can only be used once per Server Block/],
    ],
  },
  {
    plugin: whoami,
    accepted: ['whoami', 'whoami|whoami'],
    refused: [
      ['whoami x', /^Corefile:2:8 - Wrong argument count/],
      ['whoami {|}', /^Corefile:2:1 - whoami takes no block/],
    ],
  },
  {
    plugin: loadbalance,
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
      ['loadbalance foo', /^Corefile:2:13 - unknown policy 'foo'/],
      ['loadbalance round_robin x', /^Corefile:2:25 - Wrong argument count/],
      ['loadbalance weighted', /^Corefile:2:13 - weighted needs the name of a weight file/],
      ['loadbalance weighted f x', /^Corefile:2:24 - Wrong argument count/],
      ['loadbalance weighted f {|reload 1s 2s|}', /^Corefile:3:11 - Wrong argument count/],
      ['loadbalance weighted f {|prefer 10.0.0.0/8|}', /^Corefile:3:1 - unknown property 'prefer'/],
      ['loadbalance {|reload 1s|}', /^Corefile:3:1 - unknown property 'reload'/],
      ['loadbalance {|prefer 10.0.0.1|}', /^Corefile:3:8 - '10\.0\.0\.1' is not a network/],
    ],
  },
  {
    plugin: reload,
    accepted: [
      'reload',
      'reload 2s',
      'reload 10s 0',
      'reload 10s 1s',
      'reload 10s 20s',
      'reload {|x y|}',
      'reload|reload 5s',
    ],
    refused: [
      ['reload 1s', /^Corefile:2:8 - '1s' is not a duration .* of at least 2s/],
      ['reload 0', /^Corefile:2:8 - '0' is not a duration/],
      ['reload 10', /^Corefile:2:8 - '10' is not a duration/],
      ['reload 10s 500ms', /^Corefile:2:12 - '500ms' is not 0 or a duration of at least 1s/],
      ['reload 10s 1s x', /^Corefile:2:15 - Wrong argument count/],
    ],
  },
  {
    plugin: bind,
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
      ['bind [::1]', /^Corefile:2:6 - .*neither an IP address nor an interface/],
      ['bind 127.0.0.1:53', /^Corefile:2:6 - .*neither an IP address nor an interface/],
      ['bind 127.0.0.1 {|except|}', /^Corefile:3:1 - Wrong argument count/],
      ['bind 127.0.0.1 {|except nope|}', /^Corefile:3:8 - .*'nope' is neither/],
      ['bind 127.0.0.1 {|except 127.0.0.1|}', /'except' leaves no address/],
      ['bind 127.0.0.1 {|foo|}', /^Corefile:3:1 - unknown property 'foo'/],
    ],
  },
  {
    plugin: multisocket,
    accepted: ['multisocket', 'multisocket 1', 'multisocket 1024'],
    refused: [
      ['multisocket 0', /^Corefile:2:13 - '0' is not an integer from 1 to 1024/],
      ['multisocket 1025', /^Corefile:2:13 - '1025' is not/],
      ['multisocket x', /^Corefile:2:13 - 'x' is not/],
      ['multisocket 1 2', /^Corefile:2:15 - Wrong argument count/],
      ['multisocket {|}', /^Corefile:2:1 - multisocket takes no block/],
      ['multisocket|multisocket', /once per Server Block/],
    ],
  },
  {
    plugin: bufsize,
    accepted: ['bufsize', 'bufsize 512', 'bufsize 4096', 'bufsize {|x|}', 'bufsize|bufsize 600'],
    refused: [
      ['bufsize 511', /^Corefile:2:9 - '511' is not an integer from 512 to 4096/],
      ['bufsize 4097', /^Corefile:2:9 - '4097' is not/],
      ['bufsize a', /^Corefile:2:9 - 'a' is not/],
      ['bufsize 512 1024', /^Corefile:2:13 - Wrong argument count/],
    ],
  },
  {
    plugin: debug,
    accepted: ['debug', 'debug|debug'],
    refused: [
      ['debug x', /^Corefile:2:7 - Wrong argument count/],
      ['debug {|}', /^Corefile:2:1 - debug takes no block/],
    ],
  },
  {
    plugin: root,
    accepted: ['root /tmp', 'root nosuchdir', 'root /tmp|root /var'],
    refused: [
      ['root', /^Corefile:2:1 - Wrong argument count/],
      ['root a b', /^Corefile:2:8 - Wrong argument count/],
      ['root a {|}', /^Corefile:2:1 - root takes no block/],
    ],
  },
  {
    plugin: cancel,
    accepted: ['cancel', 'cancel 1s', 'cancel {|z|}', 'cancel|cancel 2s'],
    refused: [
      ['cancel 0', /^Corefile:2:8 - '0' is not a duration longer than 0/],
      ['cancel -1s', /^Corefile:2:8 - '-1s' is not/],
      ['cancel x', /^Corefile:2:8 - 'x' is not/],
      ['cancel 1s 2s', /^Corefile:2:11 - Wrong argument count/],
    ],
  },
]

specifySchemas(cases)
