/** What the tools that look for faults say to a command line that they do not understand. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'

const cases = [
  { tool: 'fuzz', args: ['--help'], says: "Unknown option '--help'" },
  { tool: 'fuzz', args: ['nosuch'], says: 'there is no target "nosuch"' },
  { tool: 'fuzz', args: ['message', '--input', '/nowhere'], says: '--input must be a file, not "/nowhere"' },
  { tool: 'hostile/flood', args: ['--packets', 'x'], says: '--packets must be a whole number, not "x"' },
  { tool: 'hostile/flood', args: ['5'], says: 'unexpected "5"' },
  { tool: 'faults', args: ['--server', 'bind'], says: '--server must be one of slicedns, coredns, not "bind"' },
  { tool: 'faults', args: ['--only', '['], says: '--only must be a regular expression, not "["' },
]

describe('a wrong command line', () => {
  for (const { tool, args, says } of cases)
    test(`${tool} ${args.join(' ')} ends with a reason, a usage and exit code 2`, () => {
      const file = join(import.meta.dirname, '..', tool, 'index.ts')
      const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' })
      const [reason, usage] = stderr.split('\n').filter((line) => !/Warning|^\(Use/.test(line))
      assert.equal(reason, says)
      assert.match(usage!, /^usage: npm run [a-z:]+ -- /)
      assert.deepEqual([status, stdout], [2, ''])
    })
})
