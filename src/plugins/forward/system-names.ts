/** Resolves host names as this machine does. */
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'

const hostsFile = '/etc/hosts'

/**
 * The addresses of the name in /etc/hosts, or else from the system's resolver. The name is absolute: the search domains
 * of resolv.conf are for the programs of a pod and must not change an upstream's name.
 */
export async function systemAddresses(host: string): Promise<readonly string[]> {
  const name = host.replace(/\.$/, '').toLowerCase()
  const listed = (await readHosts()).filter(({ names }) => names.includes(name)).map(({ address }) => address)
  if (listed.length > 0) return listed
  return (await lookup(`${name}.`, { all: true })).map(({ address }) => address)
}

async function readHosts(): Promise<{ readonly address: string; readonly names: readonly string[] }[]> {
  // The file may be missing.
  const text = await readFile(hostsFile, 'utf8').catch(() => '')
  return text.split('\n').flatMap((line) => {
    const [address, ...names] = line.replace(/#.*/, '').toLowerCase().trim().split(/\s+/)
    return isIP(address!) ? [{ address: address!, names }] : []
  })
}
