/** What the Corefiles name: other files, an API server, upstreams. As their INDEX.md says, in this process's mounts. */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { loadCorefile } from '../../src/corefile/load.ts'
import { plugins } from '../../src/plugins/index.ts'
import { createAuthority } from '../support/api-server/certificates.ts'
import { corefiles, folder, running, upstreamNames, world } from './places.ts'

const kept = ['hosts', 'nsswitch.conf', 'passwd', 'group', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'ssl']
const caBundle = '/etc/pki/dns.bar.com-ca-cacerts-2/ca-bundle.crt'
/** The folder `custom` beside a Corefile. */
const customs: Readonly<Record<string, string>> = { aks: 'aks-custom', gardener: 'gardener-custom' }

const zone = `@ 3600 IN SOA sns.dns.icann.org. noc.dns.icann.org. 2026112900 7200 3600 1209600 3600
@ 3600 IN NS a.iana-servers.net.
www IN A 192.0.2.80
`

const mountEmpty = (path: string): void => void execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path])

const write = (path: string, text: string): void => {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
}

/** The names of all Corefiles, in their order. */
export function corefileNames(): string[] {
  return readdirSync(corefiles)
    .filter((name) => name.endsWith('.Corefile'))
    .map((name) => name.replace('.Corefile', ''))
}

/** Those whose plugins are all built. */
export function servedNames(): string[] {
  const built = new Set(plugins.map(({ name }) => name))
  return corefileNames().filter((name) =>
    loadCorefile(`${folder}/${name}/Corefile`).blocks.every((block) =>
      block.directives.every(({ word }) => built.has(word)),
    ),
  )
}

/** Mounts /etc, /run and /var/lib anew and writes what the Corefiles read there. Gives the file of the world's CA. */
export function layOutFiles(): string {
  for (const path of ['/run', '/var/lib']) mountEmpty(path)
  for (const name of kept)
    if (existsSync(`/etc/${name}`)) cpSync(`/etc/${name}`, `/run/etc/${name}`, { recursive: true })
  mountEmpty('/etc')
  cpSync('/run/etc', '/etc', { recursive: true })
  const authority = createAuthority()
  const upstream = authority.issue({ names: upstreamNames })
  write(`${folder}/upstream.crt`, upstream.cert)
  write(`${folder}/upstream.key`, upstream.key)
  write(`${folder}/ca.crt`, authority.cert)
  write(caBundle, authority.cert)
  write('/etc/resolv.conf', `nameserver ${world}\n`)
  write('/etc/coredns/NodeHosts', readFileSync(join(corefiles, 'imports/k3s/NodeHosts'), 'utf8'))
  write('/etc/coredns/hosts', '192.0.2.53 dns.example.com\n')
  write('/etc/coredns/example.db', zone)
  write('/etc/localdns/hosts', '192.0.2.54 mcr.microsoft.com\n')
  write('/var/lib/blocklist/hosts', '0.0.0.0 ads.example.net\n')
  symlinkSync(join(corefiles, 'imports/homelab-custom'), '/etc/coredns/custom')
  for (const name of corefileNames()) {
    write(`${folder}/${name}/Corefile`, readFileSync(join(corefiles, `${name}.Corefile`), 'utf8'))
    const custom = customs[name]
    if (custom) symlinkSync(join(corefiles, 'imports', custom), `${folder}/${name}/custom`)
  }
  return `${folder}/ca.crt`
}

/** Puts a Corefile and its imports into the place of the running one, both at once. */
export function choose(name: string): string {
  symlinkSync(name, `${folder}/next`)
  renameSync(`${folder}/next`, `${folder}/current`)
  return running
}

/** ADDRESS:PORT of every upstream in the Corefiles that is not on the node. */
export function upstreams(): string[] {
  const texts = [...corefileNames().map((name) => `${name}.Corefile`), ...imports()].map((name) =>
    readFileSync(join(corefiles, name), 'utf8'),
  )
  const found = texts.flatMap((text) => [...text.matchAll(/^\s*forward\s+\S+\s+([^#{\n]+)/gm)].map(([, list]) => list!))
  const words = found.flatMap((list) => list.trim().split(/\s+/))
  return [...new Set([`${world}:53`, ...words.flatMap(upstreamAt)])]
}

function imports(): string[] {
  return readdirSync(join(corefiles, 'imports'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(server|override)$/.test(name))
    .map((name) => join('imports', name))
}

function upstreamAt(word: string): string[] {
  const scheme = /^(\w+):\/\//.exec(word)?.[1]
  const bare = word.replace(/^\w+:\/\//, '').replaceAll(/[[\]]/g, '')
  const port = scheme === 'tls' ? 853 : 53
  if (/^[\d.]+(:\d+)?$/.test(bare))
    return bare.startsWith('127.') ? [] : [bare.includes(':') ? bare : `${bare}:${port}`]
  if (!/^[\da-f:]+$/.test(bare)) return []
  const withPort = /^\[(.*)\]:(\d+)$/.exec(word)
  return [withPort ? `${withPort[1]}:${withPort[2]}` : `${bare}:${port}`]
}
