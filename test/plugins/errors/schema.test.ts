import { errors } from '../../../src/plugins/errors/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(errors, {
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
    ['errors {|stacktrace x|}', /^Corefile:3:12 - unknown property 'x'/],
    ['errors {|consolidate 5m|}', /^Corefile:3:1 - Wrong argument count/],
    ['errors {|consolidate 5m ".*" foo|}', /^Corefile:3:21 - 'foo' is not one of 'warning'/],
    ['errors {|consolidate 5m ".*" show_first warning|}', /^Corefile:3:32 - show_first must come after the level/],
    ['errors {|consolidate 5m a warning show_first x|}', /^Corefile:3:37 - Wrong argument count/],
    ['errors {|consolidate x ".*"|}', /^Corefile:3:13 - 'x' is not a duration/],
    [
      'errors {|consolidate 5m "(?=a)"|}',
      /^Corefile:3:17 - invalid regular expression: invalid or unsupported Perl syntax: `\(\?=`/,
    ],
    ['errors {|consolidate 5m "(a)\\1"|}', /invalid regular expression: invalid escape sequence/],
    ['errors {|consolidate 5m "("|}', /invalid regular expression: missing/],
    ['errors {|foo|}', /^Corefile:3:1 - unknown property 'foo' of errors/],
    ['errors|errors', /^Corefile:3:1 - .*can only be used once per Server Block/],
  ],
})
