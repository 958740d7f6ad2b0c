/**
 * X.509 certificates for tests, made with node:crypto alone: nothing to install, no key in the repository. Just enough
 * DER (X.690) and RFC 5280 for TLS libraries to accept, or to refuse for the reason that a test wants.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { parseAddress } from '../../../src/k8s/model/address.ts'

export interface Certificate {
  /** PEM. */
  readonly cert: string
  /** PEM. */
  readonly key: string
}

export interface Authority extends Certificate {
  issue(options?: CertificateOptions): Certificate
}

export interface CertificateOptions {
  readonly commonName?: string
  /** DNS names and IP addresses. Default localhost, 127.0.0.1 and ::1. */
  readonly names?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
}

const day = 24 * 60 * 60 * 1000

export function createAuthority(commonName = 'slicedns test CA'): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cert = certificate(commonName, keys.publicKey, commonName, keys.privateKey, true, {})
  return {
    cert,
    key: pem(keys.privateKey),
    issue(options = {}) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const subject = options.commonName ?? 'slicedns test server'
      return {
        cert: certificate(subject, own.publicKey, commonName, keys.privateKey, false, options),
        key: pem(own.privateKey),
      }
    },
  }
}

function certificate(
  subject: string,
  publicKey: KeyObject,
  issuer: string,
  issuerKey: KeyObject,
  isAuthority: boolean,
  { names = ['localhost', '127.0.0.1', '::1'], notBefore, notAfter }: CertificateOptions,
): string {
  const ecdsaWithSha256 = sequence(oid(1, 2, 840, 10045, 4, 3, 2))
  const extensions = isAuthority
    ? [extension([2, 5, 29, 19], sequence(Buffer.of(0x01, 1, 0xff)), true)]
    : [extension([2, 5, 29, 17], sequence(...names.map(generalName)), false)]
  const body = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ecdsaWithSha256,
    distinguishedName(issuer),
    sequence(time(notBefore ?? new Date(Date.now() - day)), time(notAfter ?? new Date(Date.now() + 365 * day))),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', body, issuerKey)
  const der = sequence(body, ecdsaWithSha256, tagged(0x03, Buffer.concat([Buffer.of(0), signature])))
  return new X509Certificate(der).toString()
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const length =
    content.length < 0x80
      ? Buffer.of(content.length)
      : content.length < 0x100
        ? Buffer.of(0x81, content.length)
        : Buffer.of(0x82, content.length >> 8, content.length & 0xff)
  return Buffer.concat([Buffer.of(tag), length, content])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts)
}

function integer(value: Buffer): Buffer {
  return tagged(0x02, value)
}

function oid(first: number, second: number, ...rest: readonly number[]): Buffer {
  const arc = (value: number): number[] => {
    const septets = [value & 0x7f]
    for (let left = value >>> 7; left > 0; left >>>= 7) septets.unshift((left & 0x7f) | 0x80)
    return septets
  }
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(arc)]))
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(oid(2, 5, 4, 3), tagged(0x0c, Buffer.from(commonName)))))
}

function time(date: Date): Buffer {
  return tagged(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`))
}

function extension(id: readonly [number, number, ...number[]], value: Buffer, critical: boolean): Buffer {
  const flag = critical ? [Buffer.of(0x01, 1, 0xff)] : []
  return sequence(oid(...id), ...flag, tagged(0x04, value))
}

function generalName(name: string): Buffer {
  if (isIPv4(name) || isIPv6(name)) return tagged(0x87, Buffer.from(parseAddress(name)!))
  return tagged(0x82, Buffer.from(name))
}
