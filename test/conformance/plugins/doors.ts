/** The encrypted listeners: what is asked plainly elsewhere, asked over TLS, HTTP/2 and gRPC. */
import { createAuthority } from '../../support/api-server/certificates.ts'
import type { Door } from '../door-client.ts'
import type { Ask } from '../queries.ts'
import { directive, type PluginConfiguration, server } from './configuration.ts'
import { tlsLine } from './pair.ts'
import { questionsNear } from './questions.ts'
import { telling } from './small.ts'
import { fileNames, fileZone } from './zones.ts'

/** Every door is a stream from this machine. */
const throughDoor = (asked: Ask): Ask => ({ ...asked, over: 'tcp' })

const configuration = (door: Door): PluginConfiguration => ({
  name: `door-${door}`,
  door,
  get files() {
    const { cert, key } = createAuthority().issue()
    return { 'db.file': fileZone, 'server.pem': cert, 'server.key': key }
  },
  corefile: ({ port, upstream, folder }) =>
    server(
      `${door}://.:${port}`,
      'errors',
      tlsLine(folder),
      `file ${folder}/db.file file.test`,
      directive('hosts /dev/null', '192.0.2.1 host.test', 'fallthrough'),
      directive('template ANY A tmpl.test', 'answer "{{ .Name }} 7 IN A 192.0.2.7"'),
      `forward . ${upstream}`,
    ),
  questions: () =>
    questionsNear([...fileNames, ...telling, 'host.test.', 'x.tmpl.test.'], { seed: door, limit: 2_500 }).map(
      throughDoor,
    ),
})

export const doors: readonly PluginConfiguration[] = (['tls', 'https', 'grpc'] as const).map(configuration)
