/** `cache` in front of the upstream: which answers it keeps, and what it makes of them. Asked in order, as it remembers. */
import { directive, type PluginConfiguration, server } from './configuration.ts'
import { questionsAbout } from './questions.ts'
import { telling } from './small.ts'

const names = [
  ...telling,
  'zero.up.test.',
  'one.up.test.',
  'week.up.test.',
  'mixed.up.test.',
  'bare.up.test.',
  'formerr.up.test.',
  'notimp.up.test.',
  'refused.up.test.',
  'dangling.up.test.',
  'outside.up.test.',
  'chain.up.test.',
  'up.test.',
  'ptr.up.test.',
  'text.up.test.',
  'www.example.org.',
  'nodata.example.org.',
  'y.echo.test.',
]

const configuration = (name: string, ...lines: readonly string[]): PluginConfiguration => ({
  name,
  corefile: ({ port, upstream }) => server(`.:${port}`, 'errors', ...lines, `forward . ${upstream}`),
  // Twice each, so that the second time what was kept answers.
  questions: () => {
    const asks = questionsAbout(names, { seed: name, limit: 3_000 })
    return [...asks, ...asks.map((asked) => ({ ...asked }))]
  },
})

export const caches: readonly PluginConfiguration[] = [
  configuration('cache-plain', 'cache'),
  configuration('cache-ttl', 'cache 20'),
  configuration('cache-zones', 'cache 300 up.test echo.test'),
  configuration('cache-options', directive('cache 600', 'success 5000 100 50', 'denial 2000 40 20', 'servfail 10s')),
  configuration('cache-keepttl', directive('cache', 'keepttl', 'success 9984 3600 0', 'denial 9984 1800 0')),
  configuration(
    'cache-disable',
    directive('cache 60', 'disable success up.test', 'disable denial example.org', 'servfail 0'),
  ),
  configuration('cache-prefetch', directive('cache 30', 'prefetch 5 1m 15%')),
  configuration(
    'cache-stale',
    directive('cache 30', 'serve_stale 1h immediate 5s', 'serve_stale_policy prefer_positive', 'disable denial'),
  ),
  configuration('cache-verify', directive('cache 5', 'serve_stale 30m verify 500ms 3s 1s', 'success 9984 5 5')),
]
