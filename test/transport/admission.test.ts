/** What a UDP thread that cannot refuse all queries has the kernel drop, and what it never drops. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linux, loadLibc } from '../../src/libc/libc.ts'
import { encodeSocketAddress } from '../../src/libc/sockaddr.ts'
import { admissionInterval, createAdmission } from '../../src/transport/udp/admission.ts'
import { admissionFilter } from '../../src/transport/udp/admission-filter.ts'
import { createBatch } from '../../src/transport/udp/batch.ts'
import { nameOctets } from '../hostile/datagrams.ts'
import { freePort } from '../support/ports.ts'

const long = 1 << 20
const zones = ['cluster.local.', '10.in-addr.arpa.', 'd.f.ip6.arpa.', 'x.']
const opt = Buffer.from('00002904d0000000000000', 'hex')

function message(name: Uint8Array, edns: boolean): Uint8Array {
  const head = Buffer.from(`0001010000010000000000${edns ? '01' : '00'}`, 'hex')
  return Buffer.concat([head, name, Buffer.of(0, 1, 0, 1), edns ? opt : Buffer.alloc(0)])
}

/** Which of the messages a socket with the filter receives. */
async function received(program: Uint8Array, messages: readonly Uint8Array[]): Promise<boolean[]> {
  const native = loadLibc()
  const port = await freePort()
  const [to, from] = [native.socket(linux.AF_INET), native.socket(linux.AF_INET)]
  try {
    const address = encodeSocketAddress(native, '127.0.0.1', port)
    assert.equal(native.bind(to, address), 0)
    assert.equal(native.filter(to, program), 0)
    assert.equal(native.connect(from, address), 0)
    const batch = createBatch(native)
    return messages.map((each) => {
      batch.bytes.set(each, batch.replyAt())
      native.sendOne(from, batch.addressOf(batch.replyAt()), each.length)
      // The loopback has queued it, or not, when the call returns.
      return batch.receive(to) === 1
    })
  } finally {
    native.close(to)
    native.close(from)
  }
}

const names: readonly [name: string, passes: boolean][] = [
  ['cluster.local', true],
  ['kubernetes.default.svc.cluster.local', true],
  ['KubeRnetes.Default.SVC.CLUSTER.loCAL', true],
  ['4.3.2.10.in-addr.arpa', true],
  [`${'0.'.repeat(28)}0.0.d.f.ip6.arpa`, true],
  ['x', true],
  ['name.X', true],
  [`${'a.'.repeat(30)}cluster.local`, true],
  [`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.cluster.local`, true],
  ['.', false],
  ['local', false],
  ['example.com', false],
  ['notcluster.local', false],
  ['cluster.local.example', false],
  ['cluster.locap', false],
  ['acluster\\.local', false],
  ['xx', false],
  [`${'a.'.repeat(120)}example`, false],
]

describe('the filter of a socket that lets in none of the outside names', () => {
  const program = admissionFilter(zones, 0)!
  for (const edns of [false, true])
    test(`questions for names in the zones pass ${edns ? 'with' : 'without'} EDNS, all others do not`, async () => {
      const passed = await received(
        program,
        names.map(([name]) => message(nameOctets(name), edns)),
      )
      assert.deepEqual(
        names.map(([name], i) => [name, passed[i]]),
        names,
      )
    })

  test('messages that end within their name are dropped, compressed names are the thread’s to refuse', async () => {
    const cut = message(nameOctets('kubernetes.default.svc.cluster.local'), false).subarray(0, 20)
    const pointed = message(Uint8Array.of(3, 97, 97, 97, 0xc0, 12), false)
    assert.deepEqual(await received(program, [cut, Uint8Array.of(1), pointed]), [false, false, true])
  })

  test('about a share of the questions for outside names passes', async () => {
    const outside = Array.from({ length: 4000 }, (_, i) => message(nameOctets(`n${i}.example`), true))
    const passed = (await received(admissionFilter(zones, 1 / 4)!, outside)).filter(Boolean).length
    // Sixteen standard deviations to each side.
    assert.ok(passed > 560 && passed < 1440, `${passed} of 4,000 passed`)
  })

  test('zones that a filter has no room for have none', () => {
    assert.equal(admissionFilter(['.'], 0), undefined)
    assert.equal(admissionFilter([`${'a'.repeat(63)}.${'b'.repeat(63)}.c.`], 0), undefined)
    assert.equal(
      admissionFilter(
        Array.from({ length: 17 }, (_, i) => `zone${i}.`),
        0,
      ),
      undefined,
    )
  })
})

describe('the share of outside names that a socket lets in', () => {
  interface Step {
    readonly behind?: boolean
    /** Octets that the kernel has queued. */
    readonly used: number
    /** Datagrams that the kernel has dropped since the step before; one where it is not said. */
    readonly drops?: number
    readonly shares: number[]
  }
  const cases: readonly { readonly title: string; readonly steps: readonly Step[]; readonly refused?: boolean }[] = [
    {
      title: 'stays whole in a burst that ends before it has lasted for one interval',
      steps: [
        { behind: true, used: long, shares: [] },
        { used: 0, shares: [] },
        { behind: true, used: long, shares: [] },
      ],
    },
    {
      title: 'stays whole while the thread that sheds has no long queue',
      steps: [
        { behind: true, used: 0, shares: [] },
        { behind: true, used: 0, shares: [] },
      ],
    },
    {
      title: 'is halved while the queue is long, and stays while it is neither long nor short',
      steps: [
        { behind: true, used: long, shares: [] },
        { behind: true, used: long, shares: [1 / 2] },
        { behind: true, used: long, shares: [1 / 4] },
        { used: 100_000, shares: [] },
      ],
    },
    {
      title: 'grows by a quarter while the queue is short, until it is whole',
      steps: [
        { behind: true, used: long, shares: [] },
        { behind: true, used: long, shares: [1 / 2] },
        { used: long, shares: [1 / 4] },
        { used: 0, shares: [0.3125] },
        { used: 768, shares: [0.390625] },
        { used: 0, shares: [0.48828125] },
        { used: 0, shares: [0.6103515625] },
        { used: 0, shares: [0.762939453125] },
        { used: 0, shares: [0.95367431640625] },
        { used: 0, shares: [1] },
        { used: 0, shares: [] },
      ],
    },
    {
      title: 'is whole at once when nothing is dropped any more',
      steps: [
        { behind: true, used: long, shares: [] },
        { behind: true, used: long, shares: [1 / 2] },
        { used: long, shares: [1 / 4] },
        { used: 100_000, drops: 0, shares: [1] },
      ],
    },
    {
      title: 'is halved at the next long queue without waiting until the thread sheds',
      steps: [
        { behind: true, used: long, shares: [] },
        { behind: true, used: long, shares: [1 / 2] },
        { used: 0, drops: 0, shares: [1] },
        { used: 100_000, drops: 0, shares: [] },
        { used: long, drops: 0, shares: [1 / 2] },
      ],
    },
    {
      title: 'stays whole where the system refuses',
      refused: true,
      steps: [
        { behind: true, used: long, shares: [] },
        { behind: true, used: long, shares: [1 / 2, 1] },
        { behind: true, used: long, shares: [] },
      ],
    },
  ]
  for (const { title, steps, refused = false } of cases)
    test(`the share ${title}`, () => {
      let used = 0
      let drops = 0
      let closings = 0
      const shares: number[] = []
      const admission = createAdmission({
        readQueue: () => ({ used, drops }),
        admit(share) {
          shares.push(share)
          return !refused
        },
        closing: () => closings++,
      })
      steps.forEach((step, i) => {
        used = step.used
        drops += step.drops ?? 1
        admission.look(step.behind ?? false, i * admissionInterval)
        assert.deepEqual(shares.splice(0), step.shares, `step ${i}`)
      })
      assert.equal(closings, refused ? 0 : steps.filter(({ shares: [share] }) => share === 1 / 2).length)
    })
})
