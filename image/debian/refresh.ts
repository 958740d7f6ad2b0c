/** Pins the newest versions of the image's Debian packages. apt checks Debian's signatures; what it says is what is pinned. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Architecture } from '../settings.ts'
import type { DebianLock, DebianPackage } from './packages.ts'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** `mirrors`: of Debian's archive, and of its security archive where a name ends so. */
export function currentPackages(
  { suite, release }: Pick<DebianLock, 'suite' | 'release'>,
  names: readonly string[],
  mirrors: readonly string[],
): DebianLock {
  if (mirrors.length === 0) throw new Error('no mirror of Debian is known: apt has none here, name one with --mirror')
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-apt-'))
  try {
    const newest = (architecture: Architecture): DebianPackage[] => {
      const apt = configureApt(join(folder, architecture), suite, architecture, mirrors)
      execFileSync('apt-get', ['update', '-qq'], { env: apt, stdio: ['ignore', 'ignore', 'inherit'] })
      return names.map((name) => show(name, apt))
    }
    return { suite, release, packages: { amd64: newest('amd64'), arm64: newest('arm64') } }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Lists, caches and sources of its own: this machine's are of another release, and are not ours to change. */
function configureApt(
  folder: string,
  suite: string,
  architecture: Architecture,
  mirrors: readonly string[],
): NodeJS.ProcessEnv {
  mkdirSync(join(folder, 'lists/partial'), { recursive: true })
  mkdirSync(join(folder, 'cache/archives/partial'), { recursive: true })
  writeFileSync(join(folder, 'status'), '')
  const sources = mirrors.map((mirror) => {
    const suites = /security\/?$/.test(mirror) ? `${suite}-security` : `${suite} ${suite}-updates`
    return `Types: deb\nURIs: ${mirror}\nSuites: ${suites}\nComponents: main\nSigned-By: ${keyring}\n`
  })
  writeFileSync(join(folder, 'debian.sources'), sources.join('\n'))
  writeFileSync(
    join(folder, 'apt.conf'),
    `Dir::Etc::sourcelist "${folder}/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "${folder}/lists";
Dir::State::status "${folder}/status";
Dir::Cache "${folder}/cache";
APT::Architecture "${architecture}";
APT::Architectures "${architecture}";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
`,
  )
  return { ...process.env, LC_ALL: 'C', APT_CONFIG: join(folder, 'apt.conf') }
}

function show(name: string, apt: NodeJS.ProcessEnv): DebianPackage {
  const paragraph = execFileSync('apt-cache', ['show', '--no-all-versions', name], { env: apt, encoding: 'utf8' })
  const field = (key: string) => new RegExp(`^${key}: (.*)$`, 'm').exec(paragraph)?.[1]
  const [version, file, sha256] = ['Version', 'Filename', 'SHA256'].map((key) => {
    const value = field(key)
    if (value === undefined) throw new Error(`apt-cache show ${name} prints no ${key}`)
    return value
  })
  const source = field('Source')?.split(' ')[0] ?? name
  return { name, version, source, architecture: field('Architecture') as DebianPackage['architecture'], file, sha256 }
}
