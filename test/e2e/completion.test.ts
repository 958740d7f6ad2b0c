/** `slicedns completion` in the shells themselves, set up as its help says; bash and zsh in a terminal. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { peer, without } from '../support/peers.ts'
import { builtServer, runtime } from '../support/server.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)

/** What is typed before Tab, and what the line has then. */
const cases = [
  ['slicedns ex', 'explain'],
  ['slicedns explain --pidf', 'explain --pidfile'],
  ['slicedns help fail', 'help failover'],
  ['slicedns completion z', 'completion zsh'],
  ['slicedns --dns', '--dns.port'],
  ['slicedns check Coref', 'check Corefile'],
] as const

describe('completion in a shell', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-completion-'))
  const functions = join(folder, 'functions')
  const ofFish = join(folder, '.config/fish/completions')
  const env = { PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder, TERM: 'xterm', FUNCTIONS: functions }
  before(() => {
    for (const each of [join(folder, 'bin'), functions, ofFish]) mkdirSync(each, { recursive: true })
    writeFileSync(join(folder, 'Corefile'), '')
    // In a terminal it says what was typed; the completion reads it through a pipe, and has the command itself.
    const script = `#!/bin/sh\n[ -t 1 ] && echo "typed: $*." && exit\nexec ${runtime} ${builtServer} "$@"\n`
    writeFileSync(join(folder, 'bin/slicedns'), script, { mode: 0o755 })
  })
  after(() => rmSync(folder, { recursive: true }))

  const terminals = [
    ['bash', 'bash --norc --noprofile', 'source <(slicedns completion bash)'],
    [
      'zsh',
      'zsh -f',
      // zsh takes a Tab for itself where more input waits.
      `fpath=($FUNCTIONS $fpath); slicedns completion zsh > "\${fpath[1]}/_slicedns"
      autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' insert-tab false`,
    ],
  ] as const
  for (const [shell, command, setUp] of terminals)
    describe(`the completion of ${shell}`, { skip: without('script', shell) }, () => {
      let output = ''
      let type: (text: string) => void
      let end: () => void
      before(async () => {
        const terminal = spawn(peer('script')!, ['-qfec', command, '/dev/null'], { cwd: folder, env })
        terminal.stdout.on('data', (octets: Buffer) => {
          output += octets
        })
        type = (text) => void terminal.stdin.write(text)
        end = () => void terminal.kill('SIGKILL')
        type(`${setUp}\necho se""t up\n`)
        await until(() => assert.match(output, /set up/))
      })
      after(() => end?.())

      for (const [typed, expected] of cases)
        it(`${shell} completes '${typed}'`, async () => {
          const since = output.length
          type(`${typed}\t\n`)
          await until(() => assert.match(output.slice(since), /typed: .*\./))
          assert.equal(/typed: (.*)\./.exec(output.slice(since))![1], expected)
        })
    })

  describe('the completion of fish', { skip: without('fish') }, () => {
    before(async () => {
      const { stdout } = await run(runtime, [builtServer, 'completion', 'fish'])
      writeFileSync(join(ofFish, 'slicedns.fish'), stdout)
    })

    const offered = async (typed: string): Promise<string[]> => {
      const { stdout } = await run('fish', ['-c', `complete -C '${typed}'`], { cwd: folder, env })
      return stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')[0]!)
    }
    for (const [typed, expected] of cases)
      it(`fish completes '${typed}'`, async () => assert.deepEqual(await offered(typed), [expected.split(' ').at(-1)]))

    it('fish offers commands with what they do, and flags of one letter with one dash', async () => {
      assert.ok((await offered('slicedns ')).includes('discover'))
      const flags = await offered('slicedns discover -')
      assert.ok(flags.includes('--ports'))
      assert.deepEqual(
        flags.filter((flag) => flag.length < 4),
        ['-n', '-o', '-p'],
      )
    })
  })
})
