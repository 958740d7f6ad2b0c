/** What the process reads of its limits, and how it divides them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { parseMemoryLimit, readProcessLimits } from '../../src/process-limits/index.ts'

const mebibyte = 1024 * 1024

/** A machine's files. */
const machine = (files: Readonly<Record<string, string>>) => (path: string) => files[path]

const v2Mount = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate'
const v1Mount = (root: string) => `35 31 0:32 ${root} /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory`

const memoryCases: readonly { name: string; files: Readonly<Record<string, string>>; limit: number; source: string }[] =
  [
    {
      name: 'version 2 in a container: the mount point is the own cgroup',
      files: {
        '/proc/self/mountinfo': v2Mount,
        '/proc/self/cgroup': '0::/\n',
        '/sys/fs/cgroup/memory.max': '178257920\n',
      },
      limit: 170 * mebibyte,
      source: 'cgroup',
    },
    {
      name: 'version 2: a lower limit further up the hierarchy counts',
      files: {
        '/proc/self/mountinfo': v2Mount,
        '/proc/self/cgroup': '0::/kubepods.slice/pod1/dns\n',
        '/sys/fs/cgroup/kubepods.slice/pod1/dns/memory.max': 'max\n',
        '/sys/fs/cgroup/kubepods.slice/pod1/memory.max': String(256 * mebibyte),
        '/sys/fs/cgroup/kubepods.slice/memory.max': String(4096 * mebibyte),
      },
      limit: 256 * mebibyte,
      source: 'cgroup',
    },
    {
      name: 'version 1: the number near 2^63 means no limit, the parent has one',
      files: {
        '/proc/self/mountinfo': v1Mount('/'),
        '/proc/self/cgroup': '4:memory:/kubepods/pod1\n0::/\n',
        '/sys/fs/cgroup/memory/kubepods/pod1/memory.limit_in_bytes': '9223372036854771712\n',
        '/sys/fs/cgroup/memory/kubepods/memory.limit_in_bytes': String(300 * mebibyte),
      },
      limit: 300 * mebibyte,
      source: 'cgroup',
    },
    {
      name: "version 1 in a container: the path is the host's, the mount shows the own cgroup alone",
      files: {
        '/proc/self/mountinfo': v1Mount('/kubepods/pod1/dns'),
        '/proc/self/cgroup': '4:cpu,memory:/kubepods/pod1/dns\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': String(200 * mebibyte),
      },
      limit: 200 * mebibyte,
      source: 'cgroup',
    },
    {
      name: 'both versions mounted: the one that has a limit counts',
      files: {
        '/proc/self/mountinfo': `${v1Mount('/')}\n${v2Mount.replace('/sys/fs/cgroup ', '/sys/fs/cgroup/unified ')}`,
        '/proc/self/cgroup': '4:memory:/a\n0::/b\n',
        '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': String(180 * mebibyte),
        '/sys/fs/cgroup/unified/b/memory.max': 'max\n',
      },
      limit: 180 * mebibyte,
      source: 'cgroup',
    },
    { name: 'no cgroup at all: the default pod is assumed', files: {}, limit: 170 * mebibyte, source: 'default' },
  ]

describe('the memory limit of the process', () => {
  for (const { name, files, limit, source } of memoryCases)
    it(`The memory limit is read from the cgroup, ${name}`, () => {
      const { memory } = readProcessLimits({ read: machine(files) })
      assert.deepEqual([memory.limit, memory.source], [limit, source])
    })

  it('the memory limit given by -memory-limit comes before that of the cgroup', () => {
    const { memory } = readProcessLimits({ memoryLimit: 128 * mebibyte, read: machine(memoryCases[0].files) })
    assert.deepEqual([memory.limit, memory.source], [128 * mebibyte, '-memory-limit'])
  })

  for (const mebibytes of [96, 128, 170, 512, 4096])
    it(`The memory limit of ${mebibytes} MiB is never exceeded by the sum of its shares`, () => {
      const { memory } = readProcessLimits({ memoryLimit: mebibytes * mebibyte, read: machine({}) })
      const { tcpInput, tcpOutput, waitingQueries, table, cache, http, tcpConnections, upstreamExchanges } = memory
      const counted = tcpConnections * 10_240 + upstreamExchanges * 16_384
      const sum = tcpInput + tcpOutput + waitingQueries + table + cache + http + counted
      assert.ok(sum <= Math.max((mebibytes - 96) * mebibyte, (mebibytes * mebibyte) / 8), `${sum / mebibyte} MiB`)
      for (const [share, octets] of Object.entries({ tcpInput, tcpOutput, waitingQueries, table, cache, http }))
        assert.ok(octets >= 0.5 * mebibyte, `${share}: ${octets}`)
    })

  const quantities: readonly (readonly [string, number | RegExp])[] = [
    ['178257920', 170 * mebibyte],
    ['170Mi', 170 * mebibyte],
    ['0.5Gi', 512 * mebibyte],
    ['512M', 512_000_000],
    ['1Ti', 2 ** 40],
    ['170', /"170": must be at least 64Mi/],
    ['170m', /"170m": must be a quantity such as 170Mi/],
    ['170MiB', /must be a quantity/],
    ['-1Gi', /must be a quantity/],
    ['', /must be a quantity/],
  ]
  for (const [text, expected] of quantities)
    it(`the memory limit written "${text}" is ${typeof expected === 'number' ? `${expected} octets` : 'refused with the reason'}`, () => {
      if (typeof expected === 'number') assert.equal(parseMemoryLimit(text), expected)
      else assert.throws(() => parseMemoryLimit(text), { name: 'RangeError', message: expected })
    })
})

describe('the file descriptors of the process', () => {
  const limitsFile = (soft: string) =>
    `Max processes 1 1 processes\nMax open files            ${soft}                99999                files\n`

  for (const soft of ['256', '1024', '20000', '1048576', 'unlimited'])
    it(`The file descriptors of RLIMIT_NOFILE ${soft} are divided without promising one twice`, () => {
      const { descriptors } = readProcessLimits({ read: machine({ '/proc/self/limits': limitsFile(soft) }) })
      const { limit, own, http, tcpClients, upstreamExchanges, keptSockets, relaySockets } = descriptors
      assert.equal(limit, soft === 'unlimited' ? 1_048_576 : Number(soft))
      assert.ok(own + http + tcpClients + upstreamExchanges + keptSockets + relaySockets < limit)
    })

  it('256 file descriptors are enough to serve everything and to forward a little', () => {
    const { descriptors, tcpConnections, upstreamExchanges } = readProcessLimits({
      read: machine({ '/proc/self/limits': limitsFile('256') }),
    })
    assert.deepEqual(descriptors, {
      limit: 256,
      own: 64,
      http: 32,
      tcpClients: 64,
      upstreamExchanges: 32,
      keptSockets: 16,
      relaySockets: 32,
    })
    assert.deepEqual([tcpConnections, upstreamExchanges], [64, 32])
  })

  it('The file descriptors of this process are those that the shell reports', {
    skip: process.platform !== 'linux' && 'needs /proc',
  }, () => {
    const reported = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim()
    const { limit } = readProcessLimits().descriptors
    assert.equal(String(limit), reported === 'unlimited' ? '1048576' : reported)
  })
})
