/**
 * `npm run image`: the layout that it writes, the same twice, read with other people's programs; and a container of it as
 * the Deployment has it, in runc.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Architecture, exposedPorts, user, workingDirectory } from '../../image/settings.ts'
import { serverEnvironment } from '../../src/launch-flags.ts'
import { movedCorefile, object } from '../manifests/objects.ts'
import '../support/alone.ts'
import { type Image, readLayout, unpackImage } from '../support/image/layout.ts'
import { startPod } from '../support/image/pod.ts'
import { peer, unmet, without } from '../support/peers.ts'
import { runtime } from '../support/server.ts'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '../..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const architecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
const skip =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? unmet('needs Linux and root, for containers')
    : without('dpkg-deb', 'skopeo', 'getcap', 'runc', 'nsenter', 'ip', 'dig')

const work = mkdtempSync(join(tmpdir(), 'slicedns-image-'))
const layout = join(work, 'first/oci')
const rootfs = join(work, 'rootfs')
/** By the name of the release in the lock. */
let lock = join(root, 'image/debian/lock.json')
let image: Image

after(() => rmSync(work, { recursive: true, force: true }))

function npmRunImage(...options: readonly string[]): { status: number | null; output: string } {
  const args = [join(root, 'image/index.ts'), '--lock', lock, ...options]
  const { status, stdout, stderr } = spawnSync(runtime, args, { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

const build = (output: string) =>
  npmRunImage('--compiled-code', '--platform', `linux/${architecture}`, '--output', join(work, output))

describe('npm run image', { skip }, () => {
  before(() => {
    let built = build('first')
    // Debian has replaced a package that the lock names: what matters here is not which version it is.
    if (built.status !== 0 && built.output.includes('cannot be fetched')) {
      console.log(`# image/debian/lock.json is out of date, the image is built from today's packages:\n${built.output}`)
      lock = join(work, 'lock.json')
      assert.equal(npmRunImage('--refresh').status, 0)
      built = build('first')
    }
    assert.equal(built.status, 0, built.output)
    const { images } = readLayout(layout)
    assert.equal(images.length, 1)
    image = images[0]
    unpackImage(layout, image, rootfs)
  })

  it('npm run image writes the same octets again', () => {
    const again = build('second')
    assert.equal(again.status, 0, again.output)
    const files = (folder: string) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    const [first, second] = ['first', 'second'].map((name) => join(work, name))
    const names = (folder: string) =>
      files(folder)
        .map((file) => file.slice(folder.length))
        .sort()
    assert.deepEqual(names(second), names(first))
    for (const file of files(first).filter((each) => !each.includes('/blobs/'))) {
      assert.equal(readFileSync(file.replace(first, second), 'utf8'), readFileSync(file, 'utf8'), file)
    }
  })

  it('npm run image writes a layout that skopeo copies and finds to be this version for this processor', () => {
    const name = `oci:${layout}:${version}`
    const found = JSON.parse(execFileSync(peer('skopeo')!, ['inspect', name], { encoding: 'utf8' }))
    assert.deepEqual([found.Os, found.Architecture], ['linux', architecture])
    assert.equal(found.Labels['org.opencontainers.image.version'], version)
    execFileSync(peer('skopeo')!, ['copy', '-q', '--all', name, `dir:${join(work, 'copied')}`])
  })

  it('npm run image stays at 60 MB, compressed', () => {
    const compressed = image.layers.reduce((sum, { size }) => sum + size, 0)
    assert.ok(compressed <= 60e6, `${(compressed / 1e6).toFixed(1)} MB`)
  })

  it('the image of npm run image has files of root alone, none that another user may write or that sets a user', () => {
    const paths = readdirSync(rootfs, { recursive: true, encoding: 'utf8' })
    assert.ok(paths.length > 100)
    const faults = paths.filter((path) => {
      const { uid, gid, mode } = lstatSync(join(rootfs, path))
      const symlink = (mode & constants.S_IFMT) === constants.S_IFLNK
      return uid !== 0 || gid !== 0 || (!symlink && (mode & 0o7022) !== 0)
    })
    assert.deepEqual(faults, [])
  })

  it('the image of npm run image has one program with a capability: the runtime may bind port 53', () => {
    const printed = execFileSync(peer('getcap')!, ['-r', rootfs], { encoding: 'utf8' })
    assert.equal(printed, `${rootfs}/usr/local/bin/node cap_net_bind_service=ep\n`)
  })

  it('the image of npm run image names its users, its release and its packages, for people and scanners', () => {
    const read = (path: string) => readFileSync(join(rootfs, path), 'utf8')
    assert.match(read('etc/passwd'), new RegExp(`^nonroot:x:${user}:${user}:`, 'm'))
    assert.match(read('usr/lib/os-release'), /^ID=debian$/m)
    assert.match(
      read('etc/ssl/certs/ca-certificates.crt'),
      /^(-----BEGIN CERTIFICATE-----\n[\s\S]+?-----END CERTIFICATE-----\n){50,}$/,
    )
    const { packages } = JSON.parse(readFileSync(lock, 'utf8'))
    for (const { name, version } of packages[architecture]) {
      assert.ok(read(`var/lib/dpkg/status.d/${name}`).includes(`\nVersion: ${version}\n`), name)
      assert.ok(read(`usr/share/doc/${name}/copyright`).length > 100, name)
    }
  })

  it('the image of npm run image starts as that of the Dockerfile does', () => {
    const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8').split('\nFROM ').at(-1)!
    const all = (instruction: string) =>
      [...dockerfile.matchAll(new RegExp(`^${instruction} (.*)$`, 'gm'))].map((match) => match[1])
    const { config } = image.config
    assert.deepEqual(
      all('ENTRYPOINT').map((text) => JSON.parse(text)),
      [config.Entrypoint],
    )
    assert.deepEqual(all('USER'), [config.User])
    assert.deepEqual(all('WORKDIR'), [config.WorkingDir])
    // The base image of the Dockerfile sets PATH itself.
    assert.deepEqual(
      all('ENV'),
      config.Env.filter((variable) => !variable.startsWith('PATH=')),
    )
    assert.deepEqual(
      all('EXPOSE')
        .flatMap((text) => text.split(' '))
        .sort(),
      [...exposedPorts].sort(),
    )
    assert.deepEqual(Object.keys(config.ExposedPorts).sort(), [...exposedPorts].sort())
    assert.equal(workingDirectory, config.WorkingDir)
    assert.deepEqual(
      all('ENV'),
      Object.entries(serverEnvironment).map(([name, value]) => `${name}=${value}`),
    )
  })

  it('the image of npm run image has the files that the Dockerfile lays out', () => {
    const laidOut = join(work, 'laid-out')
    execFileSync(runtime, [join(root, 'image/lay-out.ts'), laidOut])
    const files = readdirSync(laidOut, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory())
    assert.ok(files.length > 50)
    for (const entry of files) {
      const file = join(entry.parentPath, entry.name)
      const path = file.slice(laidOut.length)
      if (!entry.isFile()) continue
      assert.deepEqual(readFileSync(join(rootfs, path)), readFileSync(file), path)
    }
  })
})

describe('the bill of materials of npm run image', { skip }, () => {
  const json = (file: string) => JSON.parse(readFileSync(join(work, 'first', file), 'utf8'))

  it('the bill of materials of npm run image lists what is in the image, with versions and hashes', () => {
    const bill = json(`slicedns-${version}-linux-${architecture}.cdx.json`)
    assert.deepEqual([bill.bomFormat, bill.specVersion], ['CycloneDX', '1.6'])
    const [algorithm, hash] = image.manifest.digest.split(':')
    assert.deepEqual(bill.metadata.component.hashes, [{ alg: 'SHA-256', content: hash }])
    assert.equal(algorithm, 'sha256')
    const purls: string[] = bill.components.map(({ purl }: { purl: string }) => purl)
    const { packages } = JSON.parse(readFileSync(lock, 'utf8'))
    for (const name of readdirSync(join(rootfs, 'var/lib/dpkg/status.d'))) {
      assert.ok(packages[architecture].some((each: { name: string }) => each.name === name))
      assert.ok(
        purls.some((purl) => purl.startsWith(`pkg:deb/debian/${encodeURIComponent(name)}@`)),
        name,
      )
    }
    const bundled = readFileSync(join(rootfs, 'slicedns/dist/LICENSES.txt'), 'utf8').matchAll(/^==== (\S+) (\S+)$/gm)
    const shipped = [...bundled].map(([, name, version]) => `pkg:npm/${name.replace('@', '%40')}@${version}`)
    assert.ok(shipped.length > 10)
    assert.deepEqual(
      shipped.filter((purl) => !purls.includes(purl)),
      [],
    )
    const packaged = JSON.parse(readFileSync(join(rootfs, 'slicedns/node_modules/koffi/package.json'), 'utf8'))
    assert.ok(purls.includes(`pkg:npm/koffi@${packaged.version}`))
    const node = bill.components.find(({ name }: { name: string }) => /^node-linux-/.test(name))
    assert.ok(node.components.some(({ name }: { name: string }) => name === 'openssl'))
    assert.equal(new Set(purls).size, purls.length)
  })

  it('the statements on vulnerabilities of npm run image are about the image and what is in it', () => {
    const vex = json(`slicedns-${version}.vex.cdx.json`)
    const { index } = readLayout(layout)
    assert.equal(vex.metadata.component.hashes[0].content, index.digest.slice('sha256:'.length))
    const known = new Set(
      json(`slicedns-${version}-linux-${architecture}.cdx.json`).components.map((each: { purl: string }) => each.purl),
    )
    for (const { id, analysis, affects } of vex.vulnerabilities) {
      assert.match(id, /^(CVE|GHSA)-/)
      assert.ok(analysis.state !== 'not_affected' || analysis.justification, `${id} needs a justification`)
      for (const { ref } of affects) assert.ok(known.has(ref), `${id} is about ${ref}, which the image has not`)
    }
  })
})

describe('a container of the image', { skip }, () => {
  const pod = object('Deployment').spec.template.spec
  const example = 'llm.inference.svc.cluster.local'

  const folders = () => {
    const config = join(work, 'config')
    mkdirSync(config)
    // The ConfigMap's, with a cluster to serve and with an upstream, which the pod's network does not reach.
    const ports = { dns: 53, health: 8080, ready: 8181, metrics: 9153 }
    const served = movedCorefile(ports, '127.0.0.1:5300', ['manifests /examples'])
    writeFileSync(join(config, 'Corefile'), `${served}.:5300 {\n    bind 127.0.0.1\n    whoami\n}\n`)
    writeFileSync(join(work, 'resolv.conf'), 'nameserver 192.0.2.1\n')
    return {
      volumes: { config },
      alsoMounted: { '/etc/resolv.conf': join(work, 'resolv.conf'), '/examples': join(root, 'examples') },
    }
  }

  it('a container of the image serves as the Deployment wants it, says why, and ends', async () => {
    chmodSync(work, 0o755)
    const running = await startPod({ bundle: work, image: image.config, pod, ...folders() })
    try {
      const answered = await until(() => {
        const reply = running.inNetwork([peer('dig')!, '@127.0.0.1', '+tries=1', '+time=2', example])
        assert.match(reply, /status: NOERROR/, running.output())
        return reply
      }, running)
      assert.equal(answered.match(/\sIN\s+A\s+10\.244\./g)?.length, 4)
      await until(() => assert.match(running.output(), /udp by threads/), running)

      const status = readFileSync(`/proc/${running.pid}/status`, 'utf8')
      assert.match(status, new RegExp(`^Uid:(\\s+${user}){4}$`, 'm'))
      assert.match(status, new RegExp(`^Gid:(\\s+${user}){4}$`, 'm'))
      for (const set of ['CapPrm', 'CapEff', 'CapBnd']) assert.match(status, new RegExp(`^${set}:\\s+0{13}400$`, 'm'))
      for (const set of ['CapInh', 'CapAmb']) assert.match(status, new RegExp(`^${set}:\\s+0{16}$`, 'm'))
      assert.match(status, /^NoNewPrivs:\s+1$/m)
      assert.match(status, /^Seccomp:\s+2$/m)
      assert.match(readFileSync(`/proc/${running.pid}/cmdline`, 'latin1'), /^\/usr\/local\/bin\/node\0/)

      const writes = (file: string) =>
        running.exec(['/usr/local/bin/node', '-e', `fs.writeFileSync(${JSON.stringify(file)}, '')`])
      assert.match(writes('/slicedns/file').output, /EROFS: read-only file system/)
      for (const { mountPath, readOnly } of pod.containers[0].volumeMounts) {
        assert.equal(writes(`${mountPath}/file`).status === 0, !readOnly, mountPath)
      }

      const explained = running.exec(['slicedns', 'explain', example])
      assert.equal(explained.status, 0, explained.output)
      assert.match(explained.output, /10\.244\./)
      await until(() => {
        const { status, output } = running.exec(['slicedns', 'status'])
        assert.equal(status, 0, output)
      }, running)

      running.signal('TERM')
      assert.equal(await running.exited, 0, running.output())
    } finally {
      running.remove()
    }
  })
})
