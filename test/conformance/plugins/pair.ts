/** Both servers with one configuration of a plugin. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Pair, startPair } from '../pair.ts'
import { hasCache } from '../pairing.ts'
import { type PluginConfiguration, server } from './configuration.ts'
import { excusePlugin } from './excuses.ts'

export interface Around {
  readonly upstream: string
  readonly kubeconfig: string
}

/** A name that is answered as soon as the sockets are there. */
export const settled = {
  name: 'settled.invalid.',
  block: (port: number, bound = false) =>
    server(`settled.invalid:${port}`, ...(bound ? ['bind 127.0.0.1'] : []), 'whoami'),
}
/** Milliseconds that silence lasts where it is expected. */
const shortPatience = 700
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
        settledName: settled.name,
        corefile: ({ port }) =>
          `${configuration.corefile({ ...around, port, folder })}${settled.block(port, configuration.bound)}`,
      },
      around,
      undefined,
      silent ? shortPatience : undefined,
    )
    const corefile = configuration.corefile({ port: 0, folder: '', upstream: '', kubeconfig: '' })
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

/** A folder with the configuration's files. */
export function writeFiles({ files = {} }: PluginConfiguration, folder = newFolder()): string {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const newFolder = () => mkdtempSync(join(tmpdir(), 'slicedns-plugins-'))
