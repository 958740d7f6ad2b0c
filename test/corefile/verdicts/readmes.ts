/**
 * The examples in CoreDNS's own READMEs. Their text stays where it is, in the Go module that the peer is built from; what is recorded
 * here is a verdict for the hash of each.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export interface Example {
  /** The plugin's README, the example's place in it from 1, and the hash of its text. */
  readonly name: string
  readonly text: string
}

const modules = process.env.GOMODCACHE ?? join(process.env.GOPATH ?? join(homedir(), 'go'), 'pkg/mod')
const plugins = join(modules, 'github.com/coredns/coredns@v1.15.0/plugin')

/** Every example, or undefined where the module is not on this machine. */
export function readmeExamples(): readonly Example[] | undefined {
  if (!existsSync(plugins)) return undefined
  return readdirSync(plugins).flatMap((plugin) => {
    const path = join(plugins, plugin, 'README.md')
    if (!existsSync(path)) return []
    const blocks = readFileSync(path, 'utf8').matchAll(/^(~~~|```) ?corefile\n([\s\S]*?)^\1/gim)
    return [...blocks].map(([, , text], at) => {
      const hash = createHash('sha256').update(text).digest('hex').slice(0, 16)
      return { name: `${plugin} ${at + 1} ${hash}`, text }
    })
  })
}
