/**
 * The guides in docs/ as programs: their fenced blocks in order. ```yaml is applied to a real API server, ```console is
 * lines of `$ command` that are run; a guide's test must use every block, so that nothing in a guide goes untried.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { peer } from '../support/peers.ts'
import { type Block, blocksIn, commandsOf, read } from './pages.ts'

const run = promisify(execFile)

export interface Guide {
  readonly text: string
  /** The next block of this language that has not been used yet; throws when there is none. */
  next(language: string): Block
  /** Throws when a block has not been used. */
  end(): void
}

export function readGuide(name: string): Guide {
  const text = read(`docs/${name}.md`)
  const left = blocksIn(text)
  return {
    text,
    next(language) {
      const at = left.findIndex((block) => block.language === language)
      assert.ok(at >= 0, `docs/${name}.md has no further block of ${language}`)
      return left.splice(at, 1)[0]!
    },
    end: () => assert.deepEqual(left, [], `blocks of docs/${name}.md that its test has not run`),
  }
}

export interface Kubectl {
  /** `kubectl apply -f -`. */
  apply(manifests: string): Promise<void>
  /** Runs the `$ ` lines of a console block in a shell, in which kubectl speaks to the cluster; gives what they print. */
  shell(block: string): Promise<string>
}

/** `port`: of the server that a block's `dig` asks. */
export function kubectl(kubeconfig: string, port = 53): Kubectl {
  const program = peer('kubectl')!
  const path = `${dirname(program)}:${process.env.PATH}`
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: path }
  const shell = async (script: string) => (await run('sh', ['-euc', script], { env, timeout: 60_000 })).stdout
  return {
    async apply(manifests) {
      await shell(`kubectl apply -f - <<'MANIFESTS'\n${manifests}\nMANIFESTS`)
    },
    shell: (block) => shell([`dig() { command dig @127.0.0.1 -p ${port} "$@"; }`, ...commandsOf(block)].join('\n')),
  }
}
