/** Asks over an encrypted listener: a connection for each question over TLS, one for all over HTTP/2. */
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { credentials, Client as GrpcClient } from '@grpc/grpc-js'
import { PbfReader, PbfWriter } from 'pbf'
import { type Client, overStream } from './client.ts'
import { octetsOf } from './queries.ts'

export type Door = 'tls' | 'https' | 'grpc'

/** RFC 8484 §4.1 asks for this ID. */
const id = 0
const path = '/dns-query'
const mediaType = 'application/dns-message'
const method = '/coredns.dns.DnsService/Query'
const messageField = 1

/** `patience`: milliseconds after which a question counts as unanswered. What is no reply (a status, a failed call) counts so, too. */
export function openDoor(door: Door, address: string, port: number, patience: number): Client {
  if (door === 'https') return overHttps(address, port, patience)
  if (door === 'grpc') return overGrpc(address, port, patience)
  const open = () => connectTls({ host: address, port, ALPNProtocols: ['dot'], rejectUnauthorized: false })
  return { ask: (asked) => overStream(open(), octetsOf(asked, id), patience), close: () => {} }
}

/** GET and POST in turn. A connection that has ended is followed by another. */
function overHttps(address: string, port: number, patience: number): Client {
  const open = () => {
    const opened = connectHttp2(`https://${address}:${port}`, { rejectUnauthorized: false })
    opened.on('error', () => {})
    opened.unref()
    return opened
  }
  let session = open()
  let asks = 0
  return {
    ask: (asked) =>
      new Promise((resolve) => {
        if (session.closed || session.destroyed) session = open()
        const octets = Buffer.from(octetsOf(asked, id))
        const isPost = asks++ % 2 === 0
        const stream = session.request({
          ':path': isPost ? path : `${path}?dns=${octets.toString('base64url')}`,
          ':method': isPost ? 'POST' : 'GET',
          accept: mediaType,
          ...(isPost && { 'content-type': mediaType }),
        })
        const body: Buffer[] = []
        let status = 0
        stream.setTimeout(patience, () => stream.close())
        stream.on('response', (headers) => (status = Number(headers[':status'])))
        stream.on('data', (chunk: Buffer) => body.push(chunk))
        stream.on('error', () => {})
        stream.on('close', () => resolve(status === 200 ? Buffer.concat(body) : undefined))
        stream.end(isPost ? octets : undefined)
      }),
    close: () => session.destroy(),
  }
}

function overGrpc(address: string, port: number, patience: number): Client {
  const anyServer = credentials.createSsl(null, null, null, { rejectUnauthorized: false })
  // An address is no name to ask for.
  const client = new GrpcClient(`${address}:${port}`, anyServer, { 'grpc.ssl_target_name_override': 'localhost' })
  const packet = (message: Uint8Array) => {
    const writer = new PbfWriter()
    writer.writeBytesField(messageField, message)
    return Buffer.from(writer.finish())
  }
  const message = (octets: Buffer) =>
    new PbfReader(octets).readFields(
      (tag, found: { octets?: Uint8Array }, reader) => {
        if (tag === messageField) found.octets = reader.readBytes()
      },
      {} as { octets?: Uint8Array },
    ).octets
  return {
    ask: (asked) =>
      new Promise((resolve) => {
        const deadline = Date.now() + patience
        client.makeUnaryRequest(method, packet, message, octetsOf(asked, id), { deadline }, (_, reply) =>
          resolve(reply),
        )
      }),
    close: () => client.close(),
  }
}
