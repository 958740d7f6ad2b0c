import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { loadCommand } from '../../src/cli/commands.ts'
import { parseServeFlags } from '../../src/cli/flags.ts'
import { type CommandName, summaries } from '../../src/cli/summaries.ts'
import { plugins } from '../../src/plugins/index.ts'
import { terminal } from './support.ts'

const names = Object.keys(summaries) as CommandName[]

async function run(name: CommandName, ...args: string[]) {
  const io = terminal()
  const code = await (await loadCommand(name)).run(args, io)
  return { code, out: io.out(), err: io.err() }
}

describe('help', () => {
  test('help lists every command', async () => {
    const { code, out } = await run('help')
    assert.equal(code, 0)
    for (const name of names) assert.match(out, new RegExp(`^  ${name} +\\S`, 'm'))
  })

  for (const name of names)
    test(`help ${name} prints its usage, and examples that are its own`, async () => {
      const { code, out } = await run('help', name)
      assert.equal(code, 0)
      if (name === 'help') return
      assert.match(out, new RegExp(`^Usage: slicedns ${name}`))
      const examples = out.split('Examples:\n')[1] ?? ''
      assert.match(examples, new RegExp(`slicedns ${name}`))
    })

  test('help names no plugin that does not exist', async () => {
    const known = new Set(plugins.map((plugin) => plugin.name))
    const usages = [...(await Promise.all(names.map((name) => run(name, '-h')))), parseServeFlags(['-h'])]
    const texts = usages.map((usage) => ('out' in usage ? usage.out : 'text' in usage ? usage.text : ''))
    const named = texts.flatMap((text) => [...text.matchAll(/\b(\w+) plugin\b/g)].map(([, name]) => name))
    assert.deepEqual(new Set(named), new Set(['console']))
    for (const name of named) assert.ok(known.has(name), name)
  })

  test('help of a misspelt command names the nearest', async () => {
    assert.deepEqual(await run('help', 'chek'), {
      code: 2,
      out: '',
      err: "unknown command 'chek': did you mean 'check'?\n",
    })
  })
})

describe('completion', () => {
  for (const shell of ['bash', 'zsh', 'fish'])
    test(`completion ${shell} names every command`, async () => {
      const { code, out } = await run('completion', shell)
      assert.equal(code, 0)
      for (const name of names) assert.ok(out.includes(name), name)
    })

  test('completion of another shell is refused', async () => {
    assert.equal((await run('completion', 'cmd')).code, 2)
    assert.equal((await run('completion', 'toString')).code, 2)
    assert.equal((await run('completion')).code, 2)
  })

  test('completion bash completes commands and flags', { skip: process.platform === 'win32' }, async () => {
    const { out } = await run('completion', 'bash')
    const usage = (await run('help', 'explain')).out
    const complete = (...words: string[]): string[] =>
      execFileSync(
        'bash',
        [
          '-c',
          `eval "$SCRIPT"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _slicedns; echo "\${COMPREPLY[*]}"`,
          'bash',
          ...words,
        ],
        {
          env: { PATH: process.env.PATH, SCRIPT: `slicedns() { printf '%s' "$USAGE"; }; ${out}`, USAGE: usage },
          encoding: 'utf8',
        },
      )
        .trim()
        .split(' ')
    assert.deepEqual(complete('slicedns', 'ex'), ['explain'])
    assert.deepEqual(complete('slicedns', 'explain', '--pid'), ['--pid', '--pidfile'])
  })
})
