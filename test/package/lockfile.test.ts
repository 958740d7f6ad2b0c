/** What `npm ci` installs anywhere is what was reviewed here: every package is pinned with its hash. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

interface LockedPackage {
  readonly version: string
  readonly integrity?: string
  readonly optional?: boolean
}

const read = (file: string) => JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'))
const manifest: Record<string, Record<string, string>> = read('package.json')
const locked: Record<string, LockedPackage> = read('package-lock.json').packages

test('every package in the lockfile has an integrity hash', () => {
  const without = Object.keys(locked).filter((path) => path !== '' && locked[path]!.integrity === undefined)
  assert.deepEqual(without, [])
})

test('the runtime is locked for every platform, in one version, and needs no install script', () => {
  const runtimes = Object.entries(manifest.optionalDependencies!)
  assert.ok(runtimes.length >= 5)
  assert.equal(new Set(runtimes.map(([, version]) => version)).size, 1)
  for (const [name, version] of runtimes) {
    const entry = locked[`node_modules/${name}`]
    assert.equal(entry?.version, version, name)
    assert.match(entry.integrity ?? '', /^sha512-/, name)
    assert.equal(entry.optional, true, name)
    assert.ok(!('hasInstallScript' in entry), name)
  }
})

test('koffi and esbuild are locked with their native packages for the platforms of the runtime', () => {
  for (const platform of ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64']) {
    for (const name of [`@koromix/koffi-${platform}`, `@esbuild/${platform}`]) {
      assert.ok(locked[`node_modules/${name}`], name)
    }
  }
})

test('the dependencies are pinned to exact versions', () => {
  for (const group of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    for (const [name, version] of Object.entries(manifest[group]!)) assert.match(version, /^\d+\.\d+\.\d+$/, name)
  }
})
