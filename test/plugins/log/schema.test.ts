import { log } from '../../../src/plugins/log/index.ts'
import { specifySchema } from '../../support/schema-cases.ts'

specifySchema(log, {
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
})
