/** A proxy in front of an API server that keeps back events of its watches, as one with a fault would. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ControlPlane } from './control-plane.ts'

export interface LossyProxy {
  readonly url: string
  /** Events with this text are kept back; undefined: none. */
  loses: string | undefined
  /** Events that were kept back. */
  readonly lost: number
  stop(): void
}

/** Plain HTTP in front; behind it whoever asks is the administrator. Watches must be in protobuf. */
export async function startLossyProxy(plane: ControlPlane): Promise<LossyProxy> {
  const ca = readFileSync(plane.certificateAuthority)
  const headers = { authorization: `Bearer ${plane.adminToken}` }
  let loses: string | undefined
  let lost = 0
  const isLost = (frame: Buffer): boolean => {
    if (loses === undefined || !frame.includes(loses)) return false
    lost++
    return true
  }
  const forward = (asked: IncomingMessage, response: ServerResponse): void => {
    const sent = request(plane.url + asked.url, { ca, agent: false, headers: { ...asked.headers, ...headers } })
    sent.on('response', (answer: IncomingMessage) => {
      response.writeHead(answer.statusCode!, answer.headers)
      response.flushHeaders()
      if (asked.url?.includes('watch=true')) forwardEvents(answer, response, isLost)
      else answer.pipe(response)
    })
    sent.on('error', () => response.destroy())
    response.on('close', () => sent.destroy())
    sent.end()
  }
  const server = createServer(forward)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get loses() {
      return loses
    },
    set loses(text) {
      loses = text
    },
    get lost() {
      return lost
    },
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Each event is as many octets as the four before it say. */
function forwardEvents(from: IncomingMessage, to: ServerResponse, isLost: (frame: Buffer) => boolean): void {
  let left: Buffer = Buffer.alloc(0)
  from.on('data', (chunk: Buffer) => {
    left = Buffer.concat([left, chunk])
    while (left.length >= 4 && left.length >= 4 + left.readUInt32BE()) {
      const frame = left.subarray(0, 4 + left.readUInt32BE())
      left = left.subarray(frame.length)
      if (!isLost(frame)) to.write(frame)
    }
  })
  from.on('end', () => to.end())
  from.on('error', () => to.destroy())
}
