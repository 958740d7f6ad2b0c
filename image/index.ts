/**
 * npm run image [-- --platform linux/amd64 --output FOLDER --mirror URL --lock FILE --compiled-code --refresh]
 *
 * Builds the server and writes it as an OCI image, without a daemon and without root: docs/image.md.
 *   --platform   linux/amd64 or linux/arm64; may be repeated, default: both
 *   --output     default: dist-image
 *   --mirror     a mirror of Debian; may be repeated, default: those of this machine's apt
 *   --lock       which of Debian's packages, default: image/debian/lock.json
 *   --compiled-code
 *                adds what V8 has compiled, for a faster start: the image then depends on the folder and the processor
 *   --refresh    pins the newest versions of Debian's packages in the lock, and ends
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { errorMessage } from '../src/telemetry/error-text.ts'
import { applicationFiles, compiledCode, loadedOfKoffi } from './application.ts'
import { aptMirrors, type DebianLock, lockFile, readLock, unpackPackage } from './debian/packages.ts'
import { currentPackages } from './debian/refresh.ts'
import type { ImageFile } from './files.ts'
import { packLayer } from './layer.ts'
import { type PlatformImage, writeLayout } from './layout.ts'
import { lockedPackages, packageFiles } from './npm-packages.ts'
import { imageSource } from './provenance.ts'
import { sbomOf, vexOf } from './sbom.ts'
import { type Architecture, architectures, koffiPackages, npmArchitecture, runtimePath } from './settings.ts'
import { systemFiles, systemPackages } from './system.ts'

const root = join(import.meta.dirname, '..')
const cache = process.env.SLICEDNS_IMAGE_CACHE ?? join(homedir(), '.cache/slicedns-image')
const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Of capabilities(7): version 2 of the attribute with the effective bit, then CAP_NET_BIND_SERVICE (10) as permitted. */
const netBindService = `\x01\0\0\x02\0\x04\0\0${'\0'.repeat(12)}`

interface Options {
  readonly platforms: readonly Architecture[]
  readonly output: string
  readonly lock: DebianLock
  readonly mirrors: () => readonly string[]
  readonly compiled: boolean
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      platform: { type: 'string', multiple: true, default: architectures.map((each) => `linux/${each}`) },
      output: { type: 'string', default: join(root, 'dist-image') },
      mirror: { type: 'string', multiple: true },
      lock: { type: 'string', default: lockFile },
      'compiled-code': { type: 'boolean', default: false },
      refresh: { type: 'boolean', default: false },
    },
  })
  const mirrors = () => values.mirror ?? aptMirrors()
  if (values.refresh) return refresh(values.lock, mirrors())
  await buildImage({
    platforms: [...new Set(values.platform)].map(architectureOf).sort(),
    output: values.output,
    lock: readLock(values.lock),
    mirrors,
    compiled: values['compiled-code'],
  })
}

function architectureOf(platform: string): Architecture {
  const found = architectures.find((architecture) => platform === `linux/${architecture}`)
  if (found !== undefined) return found
  throw new Error(
    `unknown platform ${JSON.stringify(platform)}: use ${architectures.map((each) => `linux/${each}`).join(' or ')}`,
  )
}

function refresh(file: string, mirrors: readonly string[]): void {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined
  const lock = currentPackages(readLock(lockFile), Object.keys(systemPackages), mirrors)
  const after = `${JSON.stringify(lock, undefined, 2)}\n`
  writeFileSync(file, after)
  console.log(
    before === after ? `${file} has the newest versions` : `${file} has newer versions: build, test and commit it`,
  )
}

async function buildImage(options: Options): Promise<void> {
  execFileSync(process.execPath, [join(root, 'build.ts')], { stdio: ['ignore', 'ignore', 'inherit'] })
  const { platforms, output, lock } = options
  const source = imageSource(root, version)
  const images = await Promise.all(platforms.map((architecture) => platformImage(architecture, options)))
  const written = writeLayout(join(output, 'oci'), images, {
    labels: source.labels,
    created: source.created,
    tag: version,
  })

  const save = (file: string, content: object) => {
    writeFileSync(join(output, file), `${JSON.stringify(content, undefined, 2)}\n`)
    console.log(`${join(output, file)}`)
  }
  console.log(`${name}:${version}  ${written.index.digest}`)
  for (const { architecture, manifest, compressed } of written.platforms) {
    console.log(`  linux/${architecture}  ${manifest.digest}  ${(compressed / 1e6).toFixed(1)} MB compressed`)
  }
  console.log(join(output, 'oci'))
  for (const { architecture, manifest } of written.platforms) {
    save(
      `${name}-${version}-linux-${architecture}.cdx.json`,
      sbomOf(root, architecture, { digest: manifest.digest, source, lock }),
    )
  }
  save(`${name}-${version}.vex.cdx.json`, vexOf(root, written.index.digest, source))
}

async function platformImage(architecture: Architecture, { lock, mirrors, compiled }: Options): Promise<PlatformImage> {
  const system = await Promise.all(
    lock.packages[architecture].map(async (locked) => ({
      locked,
      ...(await unpackPackage(locked, { cache, mirrors })),
    })),
  )
  const packages = await Promise.all(
    koffiPackages(architecture).map((each) => packageFiles(lockedPackage(each), cache, loadedOfKoffi)),
  )
  // V8's version and the processor's features are in it: only this machine's own kind can be served.
  const code = compiled && npmArchitecture[architecture] === process.arch ? compiledCode(root) : []
  const layers = [
    packLayer('Debian libraries and certificates', systemFiles(system)),
    packLayer('Node.js', await runtimeFiles(architecture)),
    packLayer('slicedns', applicationFiles(root, packages.flat())),
    ...(code.length > 0 ? [packLayer('compiled code', code)] : []),
  ]
  return { architecture, layers: await Promise.all(layers) }
}

/** Not root, and yet port 53: the runtime carries the one capability that the pod must allow it. */
async function runtimeFiles(architecture: Architecture): Promise<ImageFile[]> {
  const files = await packageFiles(lockedPackage(`node-linux-${npmArchitecture[architecture]}`), cache, (path) =>
    ['bin/node', 'LICENSE'].includes(path),
  )
  return files.map((file): ImageFile => {
    if (file.type !== 'file' || !file.path.endsWith('/bin/node')) return { ...file, path: 'usr/share/doc/node/LICENSE' }
    return { ...file, path: runtimePath, executable: true, capability: netBindService }
  })
}

function lockedPackage(wanted: string) {
  const found = lockedPackages(root).find((each) => each.name === wanted)
  if (found === undefined) throw new Error(`package-lock.json has no package ${wanted}`)
  return found
}

try {
  await main()
} catch (error) {
  console.error(`npm run image failed: ${errorMessage(error)}`)
  process.exitCode = 1
}
