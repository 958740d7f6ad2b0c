/** docs/cli.md: each command with its usage and flags, and examples that print what they say. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { loadCommand } from '../../src/cli/commands.ts'
import { type CommandName, isCommand, summaries } from '../../src/cli/summaries.ts'
import { terminal } from '../cli/support.ts'
import { movedCorefile } from '../manifests/objects.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { type ScriptedUpstream, startUpstream } from '../support/upstream.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/cli.md'), 'utf8')

async function run(name: CommandName, args: string[]): Promise<{ code: number; out: string }> {
  const io = terminal()
  const code = await (await loadCommand(name)).run(args, io)
  return { code, out: io.out() + io.err() }
}

const sectionOf = (name: string): string =>
  new RegExp(`^## ${name}\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, 'm').exec(page)?.[1] ?? ''

describe('docs/cli.md', () => {
  for (const name of Object.keys(summaries) as CommandName[])
    it(`the page of commands has the usage of ${name}, and all of its flags`, async () => {
      const section = sectionOf(name)
      assert.notEqual(section, '')
      if (name === 'help') return
      const [usage, ...lines] = (await run(name, ['-h'])).out.split('\n')
      assert.ok(section.includes(`\`\`\`\n${usage.replace('Usage: ', '')}\n\`\`\`\n`), usage)
      const flags = lines.flatMap((line) => /^ {2}-(\S+)/.exec(line)?.[1] ?? [])
      for (const flag of flags) assert.match(page, new RegExp(`(^|[^\\w-])--?${flag}\\b`, 'm'), `-${flag}`)
    })

  describe('its examples', () => {
    let server: RunningServer
    let upstream: ScriptedUpstream
    before(async () => {
      // One that nobody answers for makes the server unhealthy.
      upstream = await startUpstream()
      server = await startServer({
        corefile: (ports) => movedCorefile(ports, upstream.to, [`manifests ${join(root, 'examples')}`]),
        waitFor: 'ready',
      })
    })
    after(async () => {
      await server?.stop('SIGKILL')
      await upstream?.close()
    })

    const examples = [...page.matchAll(/^```console\n\$ slicedns (.*)\n([\s\S]*?)^```$/gm)]
    for (const [, line, shown] of examples)
      it(`the example 'slicedns ${line}' prints what the page says`, async () => {
        const [name, ...args] = line.split(' ')
        assert.ok(isCommand(name))
        // Other servers may run on this machine.
        const which = ['status', 'top', 'explain'].includes(name)
          ? ['--pid', String(server.pid)]
          : ['-p', String(server.ports.dns)]
        const { code, out } = await run(name, [
          ...args.map((arg) => arg.replace(/^Corefile/, `${root}/Corefile`)),
          ...which,
        ])
        assert.equal(code, 0, out)
        const printed = out.replaceAll(`${root}/`, '').split('\n').map(withoutPadding)
        for (const wanted of shown.trimEnd().split('\n').map(withoutPadding)) {
          const pattern = new RegExp(`^${wanted.split('…').map(escaped).join('.*')}$`)
          assert.ok(
            printed.some((text) => pattern.test(text)),
            `${wanted}\nis not in\n${out}`,
          )
        }
      })
  })
})

/** Columns are as wide as what is in them. */
const withoutPadding = (line: string): string => line.trim().replace(/ {2,}/g, '  ')

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
