/** Both servers with one configuration of a plugin. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openClient } from '../client.ts'
import { openDoor } from '../door-client.ts'
import { type Open, type Pair, startPair } from '../pair.ts'
import { hasCache } from '../pairing.ts'
import { nowhere, type PluginConfiguration, server } from './configuration.ts'
import { excusePlugin } from './excuses.ts'

export interface Around {
  readonly upstream: string
  readonly primary: string
  readonly kubeconfig: string
}

/** A name that is answered as soon as the sockets are there. */
export const settled = {
  name: 'settled.invalid.',
  block: (port: number, { bound = false, door }: Pick<PluginConfiguration, 'bound' | 'door'> = {}, folder = '') =>
    server(
      `${door ? `${door}://` : ''}settled.invalid:${port}`,
      ...(bound ? ['bind 127.0.0.1'] : []),
      ...(door ? [tlsLine(folder)] : []),
      'whoami',
    ),
}
/** The certificate among the files of a configuration with a door. */
export const tlsLine = (folder: string): string => `tls ${folder}/server.pem ${folder}/server.key`

/** Milliseconds that silence lasts where it is expected, and where it is not. */
const shortPatience = 700
const longPatience = 3_000
/** CoreDNS asked again where one of several answers may be ours. */
const tries = 6

export async function startPluginPair(configuration: PluginConfiguration, around: Around): Promise<Pair> {
  const folder = writeFiles(configuration)
  const { name, silent = false } = configuration
  try {
    const pair = await startPair(
      {
        name,
        zone: '.',
        settledName: configuration.settledName ?? settled.name,
        corefile: ({ port }) =>
          `${configuration.corefile({ ...around, port, folder })}${settled.block(port, configuration, folder)}`,
      },
      around,
      undefined,
      opening(configuration),
    )
    const corefile = configuration.corefile(nowhere)
    const inOrder = configuration.inOrder ?? hasCache(corefile)
    return {
      ...pair,
      corefile,
      excuse: (asked, wanted, got) => excusePlugin(asked, wanted, got, corefile),
      manner: { inOrder, silent, tries },
      async stop() {
        await pair.stop()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** How a server with the configuration is asked. */
export const opening =
  ({ door, silent = false }: PluginConfiguration): Open =>
  (port) => {
    const patience = silent ? shortPatience : longPatience
    return door ? openDoor(door, '127.0.0.1', port, patience) : openClient('127.0.0.1', port, patience)
  }

/** A folder with the configuration's files. */
export function writeFiles({ files = {} }: Pick<PluginConfiguration, 'files'>, folder = newFolder()): string {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const newFolder = () => mkdtempSync(join(tmpdir(), 'slicedns-plugins-'))
