/** Signing algorithms (IANA "DNS Security Algorithm Numbers"): the format of their keys, and signing. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify, type webcrypto } from 'node:crypto'

/** The fields of a private key file, by name in lower case. */
export type PrivateFields = ReadonlyMap<string, string>

export interface Algorithm {
  /** The key as a JSON Web Key. Throws RangeError if a field is missing. `publicKey`: as in the DNSKEY. */
  jwk(fields: PrivateFields, publicKey: Uint8Array): webcrypto.JsonWebKey
  /** The digest to sign; null: the algorithm includes its own. */
  readonly digest: string | null
  /** See Signer. */
  readonly isQuick: boolean
}

const base64url = (octets: Uint8Array): string => Buffer.from(octets).toString('base64url')

function field(fields: PrivateFields, word: string): string {
  const text = fields.get(word.toLowerCase())
  if (text === undefined) throw new RangeError(`the line ${word}: is missing`)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new RangeError(`${word} is not base64`)
  return Buffer.from(text, 'base64').toString('base64url')
}

/** RFC 6605 §4: the public key is X and Y. */
const ecdsa = (curve: 'P-256' | 'P-384', octets: number, digest: string): Algorithm => ({
  digest,
  isQuick: curve === 'P-256',
  jwk(fields, publicKey) {
    if (publicKey.length !== 2 * octets) throw new RangeError(`the public key must have ${2 * octets} octets`)
    const [x, y] = [publicKey.subarray(0, octets), publicKey.subarray(octets)].map(base64url)
    return { kty: 'EC', crv: curve, x, y, d: field(fields, 'PrivateKey') }
  },
})

/** RFC 8080 §3. */
const ed25519: Algorithm = {
  digest: null,
  isQuick: true,
  jwk: (fields, publicKey) => ({
    kty: 'OKP',
    crv: 'Ed25519',
    x: base64url(publicKey),
    d: field(fields, 'PrivateKey'),
  }),
}

/** Maximum octets of a modulus (RFC 3110 §3). */
const maxModulus = 512

/** RFC 3110 §2: the exponent's length in one octet, or in two after a 0. */
const rsa = (digest: string): Algorithm => ({
  digest,
  isQuick: false,
  jwk(fields, publicKey) {
    const [first = 0, high = 0, low = 0] = publicKey
    const length = first === 0 ? (high << 8) | low : first
    const from = first === 0 ? 3 : 1
    const modulus = publicKey.subarray(from + length)
    if (length === 0 || modulus.length === 0 || modulus.length > maxModulus)
      throw new RangeError(`the public key must have an exponent, and a modulus of at most ${maxModulus} octets`)
    const of = (word: string) => field(fields, word)
    return {
      kty: 'RSA',
      n: base64url(modulus),
      e: base64url(publicKey.subarray(from, from + length)),
      d: of('PrivateExponent'),
      p: of('Prime1'),
      q: of('Prime2'),
      dp: of('Exponent1'),
      dq: of('Exponent2'),
      qi: of('Coefficient'),
    }
  },
})

const algorithms: ReadonlyMap<number, Algorithm> = new Map([
  [5, rsa('sha1')],
  [7, rsa('sha1')],
  [8, rsa('sha256')],
  [10, rsa('sha512')],
  [13, ecdsa('P-256', 32, 'sha256')],
  [14, ecdsa('P-384', 48, 'sha384')],
  [15, ed25519],
])

/** Undefined for an unsupported algorithm. */
export const algorithmOf = (number: number): Algorithm | undefined => algorithms.get(number)

export interface Signer {
  /** Signs in a thread of Node.js's pool. */
  sign(octets: Uint8Array): Promise<Uint8Array>
  /**
   * Signs synchronously, if that takes no longer than a thread hand-over: P-256 takes 40 µs of processor time, Ed25519 60.
   * Undefined for RSA, where 2,048 bits take 400, and for P-384, which takes 900.
   */
  readonly signAtOnce: ((octets: Uint8Array) => Uint8Array) | undefined
}

/** Throws RangeError if the private key is invalid or does not match the public one. */
export function createSigner(
  { jwk, digest, isQuick }: Algorithm,
  fields: PrivateFields,
  publicKey: Uint8Array,
): Signer {
  const key = importKey(jwk(fields, publicKey))
  // RFC 6605 §4: R and S, without ASN.1.
  const options = { key, dsaEncoding: 'ieee-p1363' } as const
  const probe = Buffer.from('slicedns')
  const isPair = verify(
    digest,
    probe,
    { key: createPublicKey(publicPart(jwk(fields, publicKey))), dsaEncoding: 'ieee-p1363' },
    sign(digest, probe, options),
  )
  if (!isPair) throw new RangeError('the private key does not match the public key')
  return {
    sign: (octets) =>
      new Promise((resolve, reject) => {
        sign(digest, octets, options, (error, signature) => (error ? reject(error) : resolve(signature)))
      }),
    signAtOnce: isQuick ? (octets) => sign(digest, octets, options) : undefined,
  }
}

function importKey(key: webcrypto.JsonWebKey): KeyObject {
  try {
    return createPrivateKey({ format: 'jwk', key })
  } catch {
    // OpenSSL's error would not help anybody.
    throw new RangeError('the private key is invalid, or does not match the public key')
  }
}

const publicPart = ({ kty, crv, x, y, n, e }: webcrypto.JsonWebKey) => ({
  format: 'jwk' as const,
  key: JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as webcrypto.JsonWebKey,
})
