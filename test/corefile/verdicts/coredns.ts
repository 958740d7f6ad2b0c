/** What the real CoreDNS makes of a Corefile. It cannot check one, so it is started, in a network of its own. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeKeyFiles } from '../../support/dnssec-keys.ts'

/** A verdict: whether the Corefile is accepted, and else the line that the message names. */
export type Verdict = { readonly accepted: true } | { readonly accepted: false; readonly line: number | undefined }

/** Milliseconds after which a process that says nothing is given up. */
const patience = 20_000
/** The same where it has read everything then: `etcd` logs in before it serves, and waits for etcd. */
const patienceForEtcd = 5_000
const logsIn = /^(etcd \{)? *credentials /m

/** The files that the samples name. */
const files: Readonly<Record<string, string>> = {
  'hosts.txt': '192.0.2.1 host.example.org\n',
  'resolv.conf': 'nameserver 127.0.0.1\nsearch example.org\n',
  'empty.conf': '',
  'db.example.org': '@ 60 IN SOA ns host 1 60 60 60 60\n@ 60 IN NS ns\nns 60 IN A 192.0.2.1\n',
  'db.broken': 'this is no zone file\n',
  'weights.txt': 'example.org\n192.0.2.1 1\n192.0.2.2 3\n',
  'weights.bad': 'example.org\n192.0.2.1 x\n',
  'keys.conf': 'key "a." {\n  algorithm hmac-sha256;\n  secret "c2VjcmV0";\n};\n',
  'keys.bad': 'secret c2VjcmV0\n',
  'keys.unfinished': 'key a. {\n',
  'keys.twice': 'key a. {\nsecret c2VjcmV0\n}\nkey A. {\nsecret c2VjcmV0\n}\n',
  'keys.flat': 'key a. { algorithm hmac-sha256; secret "c2VjcmV0"; };\n',
  'kube.conf': `apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: context, context: {cluster: a, user: a}}]
current-context: context
users: [{name: a, user: {}}]
`,
}

export interface Workplace {
  readonly folder: string
  remove(): void
}

export function createWorkplace(): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-verdicts-'))
  mkdirSync(join(folder, 'folder'))
  // Keys that everybody can read are refused here.
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 })
  const made = spawnSync(
    'openssl',
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=example.org -keyout key.pem -out cert.pem'.split(
      ' ',
    ),
    { cwd: folder },
  )
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`)
  spawnSync('cp', ['cert.pem', 'ca.pem'], { cwd: folder })
  writeKeyFiles(folder, 'Kexample.org', { zone: 'example.org.' })
  writeKeyFiles(folder, 'zsk', { zone: 'example.org.', role: 'zsk', algorithm: 'ECDSAP256SHA256' })
  writeFileSync(join(folder, 'web.yml'), 'tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n')
  return { folder, remove: () => rmSync(folder, { recursive: true }) }
}

/** Starts CoreDNS with the text, and ends it as soon as it serves. `file` is a name of its own among those of parallel calls. */
export async function ask(
  coredns: string,
  text: string,
  { folder }: Workplace,
  file: string,
): Promise<Verdict & { readonly output: string }> {
  writeFileSync(join(folder, file), text)
  const inside = ['--user', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"']
  const child = spawn('unshare', [...inside, coredns, '-conf', file], { cwd: folder, env: { PATH: process.env.PATH } })
  let output = ''
  let accepted = false
  const collect = (chunk: Buffer): void => {
    output += chunk
    // The version is printed when it serves; a cluster is waited for only when everything has been read.
    if (!/CoreDNS-\d|waiting for Kubernetes API before/.test(output)) return
    accepted = true
    child.kill('SIGKILL')
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const waits = logsIn.test(text)
  const timer = setTimeout(() => child.kill('SIGKILL'), waits ? patienceForEtcd : patience)
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve))
  clearTimeout(timer)
  if (accepted || (waits && status === null)) return { accepted: true, output }
  if (status === null) throw new Error(`CoreDNS neither served nor ended:\n${text}\n${output}`)
  const line = new RegExp(`${file.replaceAll('.', '\\.')}:(\\d+) - `).exec(output)?.[1]
  return { accepted, line: line === undefined ? undefined : Number(line), output }
}
