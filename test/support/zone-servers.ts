/** Other people's servers of zones, as primaries and as secondaries of ours: Knot DNS, NSD, CoreDNS, BIND. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { peer } from './peers.ts'
import { freePort } from './ports.ts'
import { until } from './until.ts'

const run = promisify(execFile)

export const zoneServers = ['knotd', 'nsd', 'coredns', 'named'] as const
export type ZoneServerName = (typeof zoneServers)[number]

export interface ZoneServerOptions {
  readonly zone: string
  /** It is the primary, with this text of a zone file. */
  readonly text?: string
  /** It is a secondary of the server at this port. */
  readonly from?: number
  /** Whom it notifies of changes. */
  readonly notify?: number
  /** HMAC-SHA256: signs transfers, and is required for them. */
  readonly key?: { readonly name: string; readonly secret: string } | undefined
}

export interface ZoneServer {
  readonly port: number
  /** Takes another text of its zone. Knot DNS and BIND then have the difference for IXFR. */
  change(text: string): Promise<void>
  stop(): Promise<void>
}

interface Place {
  readonly folder: string
  readonly port: number
}

interface Recipe {
  configuration(options: ZoneServerOptions, place: Place): string
  command(file: string): readonly string[]
  readonly reload: (file: string, process: ChildProcess) => unknown
}

const recipes: Readonly<Record<ZoneServerName, Recipe>> = {
  knotd: {
    configuration: ({ zone, text, from, notify, key }, { folder, port }) => `
server:
    listen: 127.0.0.1@${port}
    rundir: ${folder}
control:
    listen: ${folder}/control
database:
    storage: ${folder}
log:
  - target: stderr
    any: warning
${key ? `key:\n  - id: ${key.name}\n    algorithm: hmac-sha256\n    secret: ${key.secret}` : ''}
remote:
  - id: from
    address: 127.0.0.1@${from ?? 9}
    ${key ? `key: ${key.name}` : ''}
  - id: to
    address: 127.0.0.1@${notify ?? 9}
acl:
  - id: transfer
    action: [transfer]
    address: 127.0.0.1
    ${key ? `key: ${key.name}` : ''}
  - id: notified
    action: [notify]
    address: 127.0.0.1
zone:
  - domain: ${zone}
    file: ${folder}/db
    zonefile-load: difference
    zonefile-sync: -1
    journal-content: all
    acl: [transfer, notified]
    ${text === undefined ? 'master: from' : ''}
    ${notify === undefined ? '' : 'notify: to'}
`,
    command: (file) => ['knotd', '-c', file],
    reload: (file) => run(peer('knotc')!, ['-c', file, 'zone-reload']),
  },
  nsd: {
    configuration: ({ zone, text, from, notify, key }, { folder, port }) => `
server:
  ip-address: 127.0.0.1@${port}
  username: ""
  chroot: ""
  zonesdir: "${folder}"
  pidfile: "${folder}/pid"
  database: ""
  xfrdfile: "${folder}/xfrd"
  xfrdir: "${folder}"
  zonelistfile: "${folder}/zones"
  server-count: 1
remote-control:
  control-enable: no
${key ? `key:\n  name: ${key.name}\n  algorithm: hmac-sha256\n  secret: "${key.secret}"` : ''}
zone:
  name: ${zone}
  zonefile: db
  provide-xfr: 127.0.0.1 ${key?.name ?? 'NOKEY'}
  ${text === undefined ? `request-xfr: 127.0.0.1@${from} ${key?.name ?? 'NOKEY'}\n  allow-notify: 127.0.0.1 NOKEY` : ''}
  ${notify === undefined ? '' : `notify: 127.0.0.1@${notify} NOKEY`}
`,
    command: (file) => ['nsd', '-d', '-c', file],
    reload: (_, process) => process.kill('SIGHUP'),
  },
  coredns: {
    configuration: ({ zone, text, from, notify, key }, { folder, port }) => `
${zone}:${port} {
  bind 127.0.0.1
  ${key && text !== undefined ? `tsig {\n    secret ${key.name} ${key.secret}\n    require AXFR IXFR\n  }` : ''}
  transfer {
    to *
    ${notify === undefined ? '' : `to 127.0.0.1:${notify}`}
  }
  ${text === undefined ? `secondary {\n    transfer from 127.0.0.1:${from}\n  }` : `file ${folder}/db {\n    reload 100ms\n  }`}
}
`,
    command: (file) => ['coredns', '-conf', file],
    reload: () => undefined,
  },
  named: {
    configuration: ({ zone, text, from, notify, key }, { folder, port }) => `
${key ? `key "${key.name}" { algorithm hmac-sha256; secret "${key.secret}"; };` : ''}
controls { };
options {
  directory "${folder}";
  pid-file none;
  session-keyfile none;
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion no;
  dnssec-validation no;
  allow-transfer { ${key ? `key "${key.name}"` : '127.0.0.1'}; };
  notify explicit;
};
zone "${zone}" {
  ${
    text === undefined
      ? `type secondary; primaries { 127.0.0.1 port ${from}${key ? ` key "${key.name}"` : ''}; };`
      : `type primary; file "${folder}/db"; ixfr-from-differences yes; check-names ignore;`
  }
  ${notify === undefined ? '' : `also-notify { 127.0.0.1 port ${notify}; };`}
};
`,
    command: (file) => ['named', '-g', '-n', '1', '-X', 'none', '-c', file],
    reload: (_, process) => process.kill('SIGHUP'),
  },
}

export async function startZoneServer(name: ZoneServerName, options: ZoneServerOptions): Promise<ZoneServer> {
  const { configuration, command, reload } = recipes[name]
  const folder = mkdtempSync(join(tmpdir(), `${name}-`))
  chmodSync(folder, 0o700)
  const port = await freePort()
  const file = join(folder, 'configuration')
  mkdirSync(folder, { recursive: true })
  if (options.text !== undefined) writeFileSync(join(folder, 'db'), options.text)
  writeFileSync(file, configuration(options, { folder, port }))
  const [program, ...words] = command(file)
  const child = spawn(peer(program)!, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
    }
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until(() => soaOf(port, options.zone), {
      unless: () => (child.exitCode === null ? undefined : `${name} ended: ${output}`),
    })
  } catch (error) {
    await stop()
    throw new Error(`${name} does not serve ${options.zone}: ${output}`, { cause: error })
  }
  return {
    port,
    async change(text) {
      writeFileSync(join(folder, 'db'), text)
      await reload(file, child)
    },
    stop,
  }
}

/** The SOA record; throws where the server does not answer with one. */
export async function soaOf(port: number, zone: string): Promise<string> {
  const { stdout } = await run('dig', ['@127.0.0.1', '-p', `${port}`, '+short', '+tries=1', '+time=1', zone, 'SOA'])
  if (!/^\S+ \S+ \d+ /.test(stdout)) throw new Error(`port ${port} has no SOA record of ${zone}: ${stdout}`)
  return stdout.trim()
}

/** Every record of a transfer as dig prints it, sorted; the SOA once. */
export async function wholeZone(port: number, zone: string, key?: ZoneServerOptions['key']): Promise<string[]> {
  const signing = key ? ['-y', `hmac-sha256:${key.name}:${key.secret}`] : []
  const words = ['@127.0.0.1', '-p', `${port}`, '+noall', '+answer', '+time=5', '+tries=1', ...signing, zone, 'AXFR']
  const { stdout } = await run('dig', words, { maxBuffer: 2 ** 26 })
  if (/failed|Couldn't verify/.test(stdout)) throw new Error(stdout)
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';') && !/\tTSIG\t/.test(line))
  return [...new Set(lines.map((line) => line.replaceAll(/\s+/g, ' ').toLowerCase()))].toSorted()
}
