/**
 * What the image is made of, and what is known of its vulnerabilities, as CycloneDX 1.6:
 * https://cyclonedx.org/docs/1.6/json/. The same for the same image: no serial number of chance, no time of day.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DebianLock } from './debian/packages.ts'
import { type LockedPackage, lockedPackages } from './npm-packages.ts'
import type { ImageSource } from './provenance.ts'
import { type Architecture, koffiPackages, npmArchitecture } from './settings.ts'

interface Component {
  readonly type: 'application' | 'library' | 'platform' | 'container'
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
  readonly purl?: string
  readonly cpe?: string
  readonly licenses?: readonly object[]
  readonly hashes?: readonly object[]
  readonly properties?: readonly object[]
  readonly components?: readonly Component[]
}

/** `digest`: of the platform's manifest. The server must be built: its licences say which packages are in it. */
export function sbomOf(
  root: string,
  architecture: Architecture,
  { digest, source, lock }: { digest: string; source: ImageSource; lock: DebianLock },
): object {
  const image = imageComponent(digest, source, `?arch=${architecture}`)
  const components = [
    ...shippedPackages(root, architecture).map(npmComponent),
    runtimeComponent(root, architecture),
    ...debianComponents(architecture, lock),
  ]
  return {
    ...header,
    metadata: { timestamp: source.created, component: image },
    components,
    dependencies: [
      { ref: image['bom-ref'], dependsOn: components.map((component) => component['bom-ref']) },
      ...components.map((component) => ({ ref: component['bom-ref'] })),
    ],
  }
}

/**
 * The statements are those of vulnerabilities.json, each checked by a person (docs/image.md). A vulnerability that is not in
 * it is one that nobody has judged. `digest`: of the index.
 */
export function vexOf(root: string, digest: string, source: ImageSource): object {
  return {
    ...header,
    metadata: { timestamp: source.created, component: imageComponent(digest, source, '') },
    vulnerabilities: JSON.parse(readFileSync(join(root, 'image/vulnerabilities.json'), 'utf8')),
  }
}

const header = {
  $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
}

function imageComponent(digest: string, { version }: ImageSource, query: string): Component {
  const purl = `pkg:oci/slicedns@${encodeURIComponent(digest)}${query}`
  return {
    type: 'container',
    'bom-ref': purl,
    name: 'slicedns',
    version,
    purl,
    licenses: [{ license: { id: 'Apache-2.0' } }],
    hashes: [{ alg: 'SHA-256', content: digest.slice('sha256:'.length) }],
  }
}

/** Of the lockfile, what the image has: what dist/LICENSES.txt lists, and koffi, which lies beside it. */
function shippedPackages(root: string, architecture: Architecture): LockedPackage[] {
  const licences = readFileSync(join(root, 'dist/LICENSES.txt'), 'utf8')
  const bundled = [...licences.matchAll(/^==== (\S+) (\S+)$/gm)].map(([, name, version]) => `${name}@${version}`)
  const locked = lockedPackages(root)
  const found = new Map(locked.map((each) => [`${each.name}@${each.version}`, each]))
  const unknown = bundled.filter((each) => !found.has(each))
  if (unknown.length > 0) throw new Error(`the bundle has ${unknown.join(', ')}, but package-lock.json does not`)
  const beside = koffiPackages(architecture).map((name) => locked.find((each) => each.name === name)!)
  return [...bundled.map((each) => found.get(each)!), ...beside].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function npmComponent({ name, version, integrity, license }: LockedPackage): Component {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(license !== undefined && { licenses: [licenceOf(license)] }),
    hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex') }],
  }
}

const licenceOf = (text: string): object => (/^[\w.-]+$/.test(text) ? { license: { id: text } } : { expression: text })

/** Vendor and product as the National Vulnerability Database names them: scanners find compiled-in libraries by no other name. */
const products: Readonly<Record<string, string>> = {
  brotli: 'google:brotli',
  nghttp2: 'nghttp2:nghttp2',
  openssl: 'openssl:openssl',
  sqlite: 'sqlite:sqlite',
  undici: 'nodejs:undici',
}

/** Node.js, with the libraries that are compiled into it. This very process runs on the same release. */
function runtimeComponent(root: string, architecture: Architecture): Component {
  const name = `node-linux-${npmArchitecture[architecture]}`
  const locked = lockedPackages(root).find((each) => each.name === name)!
  if (process.versions.node !== locked.version) {
    throw new Error(`the image has Node.js ${locked.version}, and its libraries are listed by ${process.versions.node}`)
  }
  const { node: _, modules: _abi, napi: _napi, ...libraries } = process.versions
  return {
    ...npmComponent(locked),
    type: 'platform',
    cpe: `cpe:2.3:a:nodejs:node.js:${locked.version}:*:*:*:*:*:*:*`,
    components: Object.entries(libraries)
      // Empty where Node.js is built without the library.
      .filter((entry): entry is [string, string] => Boolean(entry[1]))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([library, version]) => ({
        type: 'library',
        'bom-ref': `${name}/${library}`,
        name: library,
        version,
        purl: `pkg:generic/${library}@${encodeURIComponent(version)}`,
        ...(library in products && { cpe: `cpe:2.3:a:${products[library]}:${version}:*:*:*:*:*:*:*` }),
      })),
  }
}

function debianComponents(architecture: Architecture, { release, packages }: DebianLock): Component[] {
  return packages[architecture].map(({ name, version, source, architecture: built, sha256 }) => {
    const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${built}&distro=debian-${release}`
    return {
      type: 'library',
      'bom-ref': purl,
      name,
      version,
      purl,
      hashes: [{ alg: 'SHA-256', content: sha256 }],
      properties: [{ name: 'debian:source', value: source }],
    }
  })
}
