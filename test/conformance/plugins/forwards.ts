/** `forward`: its options, and several of them behind one another. */
import { directive, type PluginConfiguration, server } from './configuration.ts'
import { questionsNear } from './questions.ts'
import { telling } from './small.ts'

const names = [
  ...telling,
  'refused.up.test.',
  'formerr.up.test.',
  'bare.up.test.',
  'www.example.org.',
  'dname.up.test.',
]

const configuration = (name: string, ...lines: readonly string[]): PluginConfiguration => ({
  name,
  corefile: ({ port, upstream }) =>
    server(`.:${port}`, 'errors', ...lines.map((line) => line.replaceAll('UPSTREAM', upstream))),
  questions: () => questionsNear(names, { seed: name, limit: 5_500 }),
})

export const forwards: readonly PluginConfiguration[] = [
  configuration('forward', directive('forward . UPSTREAM', 'except nosuch.up.test example.org', 'policy sequential')),
  configuration(
    'forward-tcp',
    directive('forward . UPSTREAM', 'force_tcp', 'max_fails 0', 'expire 20s', 'policy round_robin'),
  ),
  configuration(
    'forward-udp',
    directive('forward . UPSTREAM', 'prefer_udp', 'max_concurrent 5000', 'health_check 1s no_rec domain up.test'),
  ),
  configuration(
    'forward-chain',
    directive('forward up.test UPSTREAM', 'next NXDOMAIN REFUSED SERVFAIL', 'next_on_nodata'),
    directive('forward . UPSTREAM', 'failover SERVFAIL REFUSED', 'max_connect_attempts 2'),
    'forward example.org UPSTREAM',
  ),
  configuration(
    'forward-templates',
    directive('forward up.test UPSTREAM', 'except www.up.test'),
    directive('template ANY ANY example.org', 'rcode NXDOMAIN'),
    directive('hosts /dev/null', '192.0.2.3 www.up.test', 'fallthrough'),
  ),
]
