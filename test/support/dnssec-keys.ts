/** Keys in files as BIND's dnssec-keygen writes them, made here: tests of the plugin need no program for it. */
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const keyAlgorithms = ['RSASHA256', 'RSASHA512', 'ECDSAP256SHA256', 'ECDSAP384SHA384', 'ED25519'] as const
export type KeyAlgorithm = (typeof keyAlgorithms)[number]

export interface KeyFiles {
  /** The path of both files, without their endings. */
  readonly base: string
  /** The DNSKEY record. */
  readonly record: string
  /** As BIND's tools take it. */
  readonly trustAnchor: string
}

interface KeyOptions {
  readonly zone: string
  readonly algorithm?: KeyAlgorithm
  readonly role?: 'ksk' | 'zsk'
}

/** Writes `NAME.key` and `NAME.private`, the latter for the owner alone. */
export function writeKeyFiles(folder: string, name: string, options: KeyOptions): KeyFiles {
  const { zone, algorithm = 'ED25519', role = 'ksk' } = options
  const { number, publicKey, fields } = makers[algorithm]()
  const flags = role === 'ksk' ? 257 : 256
  const base = join(folder, name)
  const record = `${zone} IN DNSKEY ${flags} 3 ${number} ${publicKey}`
  const lines = [`Algorithm: ${number} (${algorithm})`, ...fields.map(([word, value]) => `${word}: ${value}`)]
  writeFileSync(`${base}.key`, `; A key of a test\n${record}\n`)
  writeFileSync(`${base}.private`, `Private-key-format: v1.3\n${lines.join('\n')}\n`, { mode: 0o600 })
  return { base, record, trustAnchor: `trust-anchors { ${zone} static-key ${flags} 3 ${number} "${publicKey}"; };` }
}

interface Made {
  readonly number: number
  /** Base64, as are the fields. */
  readonly publicKey: string
  readonly fields: readonly (readonly [string, string])[]
}

const octets = (text = ''): Buffer => Buffer.from(text, 'base64url')
const base64 = (text = ''): string => octets(text).toString('base64')

function ecdsa(number: number, namedCurve: string): Made {
  const { x, y, d } = generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'jwk' })
  const publicKey = Buffer.concat([octets(x), octets(y)]).toString('base64')
  return { number, publicKey, fields: [['PrivateKey', base64(d)]] }
}

function rsa(number: number): Made {
  const key = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' })
  const exponent = octets(key.e)
  const publicKey = Buffer.concat([Uint8Array.of(exponent.length), exponent, octets(key.n)]).toString('base64')
  const fields = [
    ['Modulus', base64(key.n)],
    ['PublicExponent', base64(key.e)],
    ['PrivateExponent', base64(key.d)],
    ['Prime1', base64(key.p)],
    ['Prime2', base64(key.q)],
    ['Exponent1', base64(key.dp)],
    ['Exponent2', base64(key.dq)],
    ['Coefficient', base64(key.qi)],
  ] as const
  return { number, publicKey, fields }
}

const makers: Readonly<Record<KeyAlgorithm, () => Made>> = {
  RSASHA256: () => rsa(8),
  RSASHA512: () => rsa(10),
  ECDSAP256SHA256: () => ecdsa(13, 'P-256'),
  ECDSAP384SHA384: () => ecdsa(14, 'P-384'),
  ED25519() {
    const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
    return { number: 15, publicKey: base64(x), fields: [['PrivateKey', base64(d)]] }
  },
}
