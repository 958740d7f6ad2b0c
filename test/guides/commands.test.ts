/**
 * What a page tells its reader to type can be typed: commands in blocks and between backquotes are those of a shell, and the
 * programs, options, scripts and files that they name are there. The guides, the README and docs/cli.md are run by tests of
 * their own, the commands of a deployment by `test/manifests/cluster.test.ts`.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { loadCommand } from '../../src/cli/commands.ts'
import { parseServeFlags } from '../../src/cli/flags.ts'
import { isCommand } from '../../src/cli/summaries.ts'
import { terminal } from '../cli/support.ts'
import { peer } from '../support/peers.ts'
import { everyPage, read, root, scriptsIn } from './pages.ts'

/** Commands between backquotes that begin with one of these are read, too; an error message is no command. */
const inline = /`((?:slicedns(?! does not)|kubectl|helm|npm|npx|node) [^`]+)`/g

/** Programs of which only the name is known here: what they do is their own, or they are not to be had. */
const others = new Set(
  'cd crane ctr dig docker etcdctl head install kustomize oras podman sha256sum source tar'.split(' '),
)

/** What stands for something of the reader's: `NAME`, `v…`, `[--json]`. */
const isPlaceholder = (word: string): boolean => /^[A-Z]+$|…|^\[/.test(word)

/** The simple commands of a script, each as its words. */
function commandsIn(script: string): string[][] {
  const bare = script.replaceAll('\\\n', ' ').replaceAll(/(^|\s)#.*$/gm, '')
  const pieces = bare.match(/(?:'[^']*'|"[^"]*"|[^|&;()\n'"])+/g) ?? []
  // What is before `$(` and `<(` takes what a command prints.
  return pieces.map((piece) => piece.trim().split(/\s+/)).filter((words) => !/^$|[$<]$/.test(words.at(-1)!))
}

const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> }

/** `-flag` of each word of this kind, without its value. */
const flagsOf = (words: readonly string[]): string[] =>
  words.filter((word) => /^--?[a-z]/i.test(word)).map((word) => word.split('=')[0]!)

async function slicedns([name = '', ...words]: readonly string[]): Promise<string | undefined> {
  if (isPlaceholder(name)) return undefined
  const io = terminal()
  if (isCommand(name)) await (await loadCommand(name)).run(['-h'], io)
  else if (name.startsWith('-')) {
    const help = parseServeFlags(['-h'])
    io.stdout.write('text' in help ? help.text : '')
  } else return `there is no command '${name}'`
  const known = new Set([...(io.out() + io.err()).matchAll(/^ {2}-(\S+)/gm)].map(([, flag]) => flag))
  const unknown = flagsOf([name, ...words]).find((flag) => !known.has(flag.replace(/^--?/, '')) && flag !== '-h')
  return unknown && `${unknown} is no flag of it`
}

/** Options that the help of a program's command has, by `PROGRAM COMMAND`. */
const helps = new Map<string, string>()

/** kubectl, helm and skopeo say which options they take. */
function withHelp(program: string, words: readonly string[]): string | undefined {
  const path = peer(program)
  const name = words.find((word, at) => /^[a-z]+$/.test(word) && !/^-\w$/.test(words[at - 1] ?? ''))
  // A plugin of kubectl.
  if (path === undefined || name === undefined || name === 'argo') return undefined
  const key = `${program} ${name}`
  if (!helps.has(key)) {
    const texts = [[name, '--help'], ...(program === 'kubectl' ? [['options']] : [])].map((args) =>
      spawnSync(path, args, { encoding: 'utf8' }),
    )
    if (texts.some(({ status }) => status !== 0)) return `${program} has no command '${name}'`
    helps.set(key, texts.map(({ stdout }) => stdout).join('\n'))
  }
  // Those of a command's own command (`rollout status`) are not looked up: only what all have stands before it.
  const unknown = flagsOf(words).find((flag) => !new RegExp(`(^|[\\s,])${flag}\\b`, 'm').test(helps.get(key)!))
  return unknown && `${unknown} is no option of ${key}`
}

/** What is wrong with a command; undefined: nothing that can be seen without running it. */
async function fault([program, ...words]: readonly string[]): Promise<string | undefined> {
  const missing = words.find(
    (word) => /^(\.ci|src|test|bench|manifests|examples)\//.test(word) && !existsSync(join(root, word)),
  )
  if (missing !== undefined) return `${missing} does not exist`
  const inner = words.indexOf('--')
  switch (program) {
    case 'slicedns':
      return slicedns(words)
    case 'npx':
      return slicedns(words.slice(1))
    case 'kubectl':
      return (
        withHelp('kubectl', inner < 0 ? words : words.slice(0, inner)) ??
        (inner < 0 ? undefined : fault(words.slice(inner + 1)))
      )
    case 'helm':
    case 'skopeo':
      return withHelp(program, words)
    case 'npm': {
      const [verb, name] = words.filter((word) => word !== '-s')
      if (verb !== 'run') return /^(ci|start|test|audit|pack)$/.test(verb!) ? undefined : `npm ${verb} is no script`
      if (name === undefined || isPlaceholder(name)) return undefined
      return name === 'slicedns' && inner > 0
        ? slicedns(words.slice(inner + 1))
        : name in scripts
          ? undefined
          : `there is no script '${name}'`
    }
    case 'node':
      return words[0] === 'run.js' || words[0] === 'dist/slicedns.js' || isPlaceholder(words[0]!)
        ? undefined
        : `${words[0]} is not run so`
    default:
      return others.has(program!) || existsSync(join(root, program!)) ? undefined : `nobody knows ${program}`
  }
}

describe('commands that a page shows', () => {
  for (const page of everyPage) {
    const text = read(page)
    const shown = [
      ...scriptsIn(text),
      ...[...text.matchAll(inline)].map(([, command]) => command!.replaceAll(/\s+/g, ' ')),
    ]
    if (shown.length > 0)
      test(`the commands of ${page} are those of a shell, and name what there is`, async () => {
        const faults: string[] = []
        for (const script of scriptsIn(text)) {
          const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })
          if (status !== 0) faults.push(`${script}: ${stderr}`)
        }
        for (const words of shown.flatMap(commandsIn)) {
          const found = await fault(words)
          if (found !== undefined) faults.push(`${words.join(' ')}: ${found}`)
        }
        assert.deepEqual(faults, [])
      })
  }

  const examples: readonly (readonly [string, string | undefined])[] = [
    ['slicedns statu', "there is no command 'statu'"],
    ['slicedns status --jso', '--jso is no flag of it'],
    ['kubectl -n kube-system exec deploy/slicedns -- slicedns top --counts 1', '--counts is no flag of it'],
    ['npm run lint', "there is no script 'lint'"],
    ['npm run -s slicedns -- chek -', "there is no command 'chek'"],
    ['kubectl apply -k manifests/besides', 'manifests/besides does not exist'],
    ['tar -cf x . && frobnicate x', 'nobody knows frobnicate'],
    ['x=$(slicedns failover a b --port 1 --timeout 500ms) # --what', undefined],
  ]
  for (const [command, expected] of examples)
    test(`the rule ${expected === undefined ? 'allows' : 'refuses'} \`${command}\``, async () => {
      const faults = await Promise.all(commandsIn(command).map(fault))
      assert.equal(
        faults.find((each) => each !== undefined),
        expected,
      )
    })
})
