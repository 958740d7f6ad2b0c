import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseServeFlags } from '../../src/cli/flags.ts'

const none = {
  kind: 'serve',
  conf: undefined,
  port: 53,
  pidfile: undefined,
  memoryLimit: undefined,
  quiet: false,
  lenientPlugins: false,
  logFormat: 'text',
}

describe("the server's flags are CoreDNS's, in Go's syntax", () => {
  const cases: readonly [args: string[], wanted: object][] = [
    [[], none],
    [['-conf', 'X'], { ...none, conf: 'X' }],
    [['-conf=X'], { ...none, conf: 'X' }],
    [['--conf', 'X'], { ...none, conf: 'X' }],
    [['--conf=a=b'], { ...none, conf: 'a=b' }],
    [['-conf='], { ...none, conf: '' }],
    [['-conf', '-quiet'], { ...none, conf: '-quiet' }],
    [['-conf', 'stdin', '-quiet'], { ...none, conf: 'stdin', quiet: true }],
    [['-quiet=false'], none],
    [['-dns.port', '1053'], { ...none, port: 1053 }],
    [['-p', '1053', '-dns.port=2053'], { ...none, port: 2053 }],
    [['-dns.port=2053', '-p', '1053'], { ...none, port: 1053 }],
    [['-dns.port', '1053', '-conf', 'p'], { ...none, port: 1053, conf: 'p' }],
    [['-pidfile', '/run/pid', '-conf', 'a', '-conf', 'b'], { ...none, pidfile: '/run/pid', conf: 'b' }],
    [['-memory-limit', '170Mi'], { ...none, memoryLimit: 170 * 2 ** 20 }],
    [['-log-format', 'json'], { ...none, logFormat: 'json' }],
    [['-log-format=text'], none],
    [['--'], none],
  ]
  for (const [args, wanted] of cases)
    test(args.join(' ') || '(none)', () => {
      assert.deepEqual(parseServeFlags(args), wanted)
    })

  const exits: readonly [args: string[], code: number, says: RegExp][] = [
    [['-h'], 0, /^Usage: slicedns/],
    [['--help'], 0, /^Usage: slicedns/],
    [['-version'], 0, /^slicedns-\d+\.\d+\.\d+\n/],
    [['-plugins'], 0, /^acl\nany\n[\s\S]*\nwhoami\n$/],
    [['-bogus'], 2, /^flag provided but not defined: -bogus\nUsage: slicedns/],
    [['---conf'], 2, /^bad flag syntax: ---conf\n/],
    [['-conf'], 2, /^flag needs an argument: -conf\n/],
    [['-quiet=maybe'], 2, /^invalid boolean value "maybe" for -quiet\n/],
    [['-p', '65536'], 2, /^invalid value "65536" for flag -dns\.port: not a port\n/],
    [['-memory-limit', '170m'], 2, /^-memory-limit: invalid memory limit "170m": must be a quantity/],
    [['-log-format', 'xml'], 1, /^unknown log format "xml": expected text or json\n$/],
    [['-log-format', 'JSON'], 1, /^unknown log format "JSON": expected text or json\n$/],
    [['-log-format=', '-version'], 1, /^unknown log format "": expected text or json\n$/],
    [['-log-format'], 2, /^flag needs an argument: -log-format\n/],
    [['chek'], 1, /^extra command line arguments: \[chek\]: did you mean 'slicedns check'\?\n$/],
    [['Corefile', '-quiet'], 1, /^extra command line arguments: \[Corefile -quiet\]\n$/],
  ]
  for (const [args, code, says] of exits)
    test(`${args.join(' ')} exits ${code}`, () => {
      const flags = parseServeFlags(args)
      assert.ok(flags.kind === 'exit')
      assert.equal(flags.code, code)
      assert.match(flags.text, says)
    })
})
