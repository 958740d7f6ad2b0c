/** Objects that are created at an API server over HTTP/1.1; over HTTP/2 test/manifests/events.test.ts does it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { ApiFailure } from '../../../src/k8s/api/failure.ts'
import { createClusterHarness } from '../harness.ts'

type After = { after(task: () => unknown): void }

interface Asked {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly type: string | undefined
  readonly body: string
}

/** Lists get 404: this cluster has nothing. */
async function startServer(t: After, status: number, reply: object, headers: Record<string, string> = {}) {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') {
      response.writeHead(404).end()
      return
    }
    asked.push({
      method: request.method,
      url: request.url,
      type: request.headers['content-type'],
      body: await textOf(request),
    })
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(reply))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/below`, asked }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

const status = (code: number, reason: string, message: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  code,
  reason,
  message,
})

describe('an object that is created at the API server', () => {
  test('an object is sent as JSON, below the server’s path, with the length that it has', async (t) => {
    const { url, asked } = await startServer(t, 201, { kind: 'Event' })
    const harness = createClusterHarness(t, { kind: 'endpoint', url })
    assert.equal(await harness.create!('/api/v1/namespaces/shop/events', { message: 'größe' }), 'created')
    assert.deepEqual(asked, [
      {
        method: 'POST',
        url: '/below/api/v1/namespaces/shop/events',
        type: 'application/json',
        body: '{"message":"größe"}',
      },
    ])
    assert.equal(
      (await harness.counted('coredns_kubernetes_rest_client_requests_total'))[
        `code=201,host=${new URL(url).host},method=POST`
      ],
      1,
    )
  })

  test('an object that exists already is reported as such', async (t) => {
    const { url } = await startServer(t, 409, status(409, 'AlreadyExists', 'events "x" already exists'))
    assert.equal(await createClusterHarness(t, { kind: 'endpoint', url }).create!('/x', {}), 'exists')
  })

  const failures: readonly (readonly [number, string, Record<string, string>, Partial<ApiFailure>])[] = [
    [403, 'Forbidden', {}, { reason: 'forbidden' }],
    [404, 'NotFound', {}, { reason: 'missing' }],
    [422, 'Invalid', {}, { reason: 'refused' }],
    [429, 'TooManyRequests', { 'retry-after': '7' }, { reason: 'throttled', retryAfter: 7000 }],
    [500, 'InternalError', {}, { reason: 'server' }],
  ]
  for (const [code, reason, headers, wanted] of failures)
    test(`an object that the server refuses with ${code} is a failure with its words`, async (t) => {
      const { url } = await startServer(t, code, status(code, reason, 'because'), headers)
      const creation = createClusterHarness(t, { kind: 'endpoint', url }).create!('/x', {})
      await assert.rejects(creation, (error: ApiFailure) => {
        assert.ok(error instanceof ApiFailure)
        assert.deepEqual(
          { reason: error.reason, ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }) },
          wanted,
        )
        assert.match(error.message, new RegExp(`${code} ${reason} because`))
        return true
      })
    })

  test('an object cannot be created where there is no API server', (t) => {
    assert.equal(createClusterHarness(t, { kind: 'manifests', directory: '/nowhere' }).create, undefined)
  })
})
