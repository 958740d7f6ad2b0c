/** Whatever stands in the place of a snapshot: it is refused with the reason, and the model has nothing of it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { headerLength, headerLine, headerRest, parseHeader } from '../../../src/k8s/snapshot/header.ts'
import { type RefusalReason, SnapshotRefused } from '../../../src/k8s/snapshot/refusal.ts'
import { checksumOf } from '../../../src/k8s/snapshot/write.ts'
import { runs } from '../../support/effort.ts'
import { contentOf, emptyModel, modelOf, now, read, temporaryFolder, write } from './harness.ts'

const objects = ['web', 'api', 'db'].map((name) => ({
  resource: 'services' as const,
  object: { metadata: { namespace: 'shop', name }, spec: { clusterIPs: ['10.0.0.1'] } },
}))

/** What a user finds in the log. */
async function refusal(file: string, changes: Parameters<typeof read>[2] = {}): Promise<SnapshotRefused> {
  const model = emptyModel()
  try {
    await read(file, model, changes)
  } catch (error) {
    assert.ok(error instanceof SnapshotRefused, String(error))
    assert.deepEqual(contentOf(model), contentOf(emptyModel()))
    assert.equal(model.view.synced, false)
    return error
  }
  throw new Error('it was not refused')
}

/** The file with other facts or another body, and a checksum that says so. */
function rewritten(file: string, edit: (facts: Record<string, unknown>, body: Buffer) => Buffer): void {
  const octets = readFileSync(file)
  const facts = { ...parseHeader(octets.subarray(0, headerLength), file).facts }
  const body = edit(facts as Record<string, unknown>, octets.subarray(headerLength))
  const rest = headerRest(facts)
  const digest = createHash('sha256').update(body).digest()
  writeFileSync(file, Buffer.concat([headerLine(checksumOf(rest, digest)), rest, body]))
}

interface Hostile {
  readonly what: string
  readonly reason: RefusalReason
  readonly says: RegExp
  readonly make?: (file: string) => void
  readonly expect?: Parameters<typeof read>[2]
  readonly skip?: boolean
}

function withUid(facts: Record<string, unknown>, body: Buffer): Buffer {
  facts.uid = 'ours'
  return body
}

/** Nothing at first, then that there is no such namespace. */
function saidLater(): () => string | undefined {
  let calls = 0
  return () => (calls++ === 0 ? undefined : '')
}

const minute = 60_000
const notRoot = process.getuid?.() !== 0

const cases: readonly Hostile[] = [
  {
    what: 'not there',
    reason: 'missing',
    says: /there is no .*snapshot/,
    make: (file) => renameSync(file, `${file}.away`),
  },
  {
    what: 'a link to a good one',
    reason: 'unsafe',
    says: /is a symbolic link/,
    make(file) {
      renameSync(file, `${file}.real`)
      symlinkSync(`${file}.real`, file)
    },
  },
  {
    what: 'a pipe that nobody writes',
    reason: 'unsafe',
    says: /is not a regular file/,
    make(file) {
      renameSync(file, `${file}.real`)
      execFileSync('mkfifo', [file])
    },
  },
  {
    what: 'a folder',
    reason: 'unsafe',
    says: /is not a regular file/,
    make(file) {
      renameSync(file, `${file}.real`)
      mkdirSync(file)
    },
  },
  {
    what: 'a file of another user',
    reason: 'unsafe',
    says: /belongs to user 4711/,
    make: (file) => chownSync(file, 4711, 4711),
    skip: notRoot,
  },
  {
    what: 'a file that everybody may write',
    reason: 'unsafe',
    says: /can be written by everybody/,
    make: (file) => chmodSync(file, 0o666),
  },
  {
    what: '10 GB of nothing',
    reason: 'damaged',
    says: /has 10000000000 octets, more than/,
    make: (file) => truncateSync(file, 10_000_000_000),
  },
  { what: 'an empty file', reason: 'damaged', says: /ends after 0 octets/, make: (file) => truncateSync(file, 0) },
  {
    what: 'a file that lost its end',
    reason: 'damaged',
    says: /has \d+ octets of \d+/,
    make: (file) => truncateSync(file, headerLength + 40),
  },
  {
    what: 'another file',
    reason: 'damaged',
    says: /does not begin as a snapshot does/,
    make: (file) => writeFileSync(file, 'x'.repeat(10_000)),
  },
  {
    what: 'of a version that is to come',
    reason: 'version',
    says: /has version 3 of the format, this server reads 2/,
    make: (file) => writeFileSync(file, readFileSync(file, 'latin1').replace(' 2 ', ' 3 '), 'latin1'),
  },
  {
    what: 'one of another cluster',
    reason: 'cluster',
    says: /another cluster: its API server or CA differs/,
    expect: { cluster: 'theirs' },
  },
  {
    what: 'one of a cluster that was made anew with the same CA',
    reason: 'cluster',
    says: /another cluster: the UID of the Namespace kube-system differs/,
    make: (file) => rewritten(file, withUid),
    expect: { uid: () => 'theirs' },
  },
  {
    what: 'one of a cluster that has not begun, as the server says while it is being read',
    reason: 'cluster',
    says: /another cluster: the UID/,
    make: (file) => rewritten(file, withUid),
    expect: { uid: saidLater() },
  },
  {
    what: 'one of other options',
    reason: 'options',
    says: /other options of kubernetes/,
    expect: { options: 'those' },
  },
  {
    what: 'one that is older than MAX_AGE',
    reason: 'old',
    says: /is 30 h old, older than 24 h/,
    expect: { now: now + 30 * 60 * minute },
  },
  {
    what: 'one from the future',
    reason: 'future',
    says: /is 59 min in the future: is the clock right\?/,
    expect: { now: now - 60 * minute },
  },
  {
    what: 'one with a wrong count of objects',
    reason: 'damaged',
    says: /services: 3 objects of 4000000000/,
    make: (file) =>
      rewritten(file, (facts, body) => {
        const sections = facts.sections as { objects: number }[]
        facts.sections = sections.map((section) => (section.objects ? { ...section, objects: 4e9 } : section))
        return body
      }),
  },
  {
    what: 'one with an object of 4 GB',
    reason: 'damaged',
    says: /an object of 4294967295 octets/,
    make: (file) => rewritten(file, (_, body) => Buffer.from(body).fill(255, 0, 4)),
  },
  {
    what: 'one with a section of 4 GB',
    reason: 'damaged',
    says: /has \d+ octets of \d+/,
    make: (file) =>
      rewritten(file, (facts, body) => {
        facts.sections = (facts.sections as object[]).map((section) => ({ ...section, octets: 4e9 }))
        return body
      }),
  },
  {
    what: 'one with a header without its parts',
    reason: 'damaged',
    says: /header is incomplete/,
    make: (file) =>
      rewritten(file, (facts, body) => {
        facts.sections = [{ resource: 'services' }]
        return body
      }),
  },
  {
    what: 'one with resources that are not watched',
    reason: 'damaged',
    says: /other resources than are watched/,
    expect: { watched: ['namespaces'] },
  },
]

describe('a snapshot is refused, with the reason', () => {
  for (const { what, reason, says, make, expect, skip = false } of cases) {
    test(`a snapshot is refused that is ${what}`, { skip }, async (t) => {
      const file = join(temporaryFolder(t), 'snapshot')
      await write(file, modelOf(objects))
      make?.(file)
      const refused = await refusal(file, expect)
      assert.equal(refused.reason, reason)
      assert.match(refused.message, says)
      assert.ok(refused.message.includes(file), refused.message)
    })
  }

  test('the age of a snapshot is that of the machine where the clock was set meanwhile', async (t) => {
    const file = join(temporaryFolder(t), 'snapshot')
    const boot = (id: string, at: number) => ({ boot: { id, at } })
    await write(file, modelOf(objects), boot('this start', 5 * minute))
    const anHourBack = { now: now - 60 * minute, ...boot('this start', 7 * minute) }
    assert.equal(await read(file, emptyModel(), anHourBack), 2 * minute)
    const aDayOn = boot('this start', 30 * 60 * minute)
    assert.equal((await refusal(file, aDayOn)).reason, 'old')
    assert.equal((await refusal(file, { ...anHourBack, ...boot('another start', 7 * minute) })).reason, 'future')
    assert.equal(await read(file, emptyModel(), boot('another start', 7 * minute)), minute)
  })

  test('a snapshot is refused wherever a bit of it is another one', async (t) => {
    const file = join(temporaryFolder(t), 'snapshot')
    await write(file, modelOf(objects))
    const octets = readFileSync(file)
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: octets.length - 1 }), fc.nat({ max: 7 }), async (at, bit) => {
        const changed = Buffer.from(octets)
        changed[at] ^= 1 << bit
        writeFileSync(file, changed)
        await refusal(file)
      }),
      { numRuns: runs(300) },
    )
  })

  test('a snapshot is refused wherever it is cut', async (t) => {
    const file = join(temporaryFolder(t), 'snapshot')
    await write(file, modelOf(objects))
    const octets = readFileSync(file)
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: octets.length - 1 }), async (length) => {
        writeFileSync(file, octets.subarray(0, length))
        await refusal(file)
      }),
      { numRuns: runs(100) },
    )
  })

  test('a snapshot with other objects and the right checksum is read or refused, and nothing else', async (t) => {
    const file = join(temporaryFolder(t), 'snapshot')
    await write(file, modelOf(objects))
    const octets = readFileSync(file)
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(changes, async (all) => {
        writeFileSync(file, octets)
        rewritten(file, (_, body) => {
          const changed = Buffer.from(body)
          for (const [at, octet] of all) changed[at % changed.length] = octet
          return changed
        })
        const model = emptyModel()
        try {
          await read(file, model)
        } catch (error) {
          assert.ok(error instanceof SnapshotRefused, String(error))
          assert.deepEqual(contentOf(model), contentOf(emptyModel()))
        }
      }),
      { numRuns: runs(300) },
    )
  })
})
