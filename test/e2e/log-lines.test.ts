/** The lines of CoreDNS's log that alerts and scripts look for, each as CoreDNS 1.15.0 writes it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { without } from '../support/peers.ts'
import { startServer } from '../support/server.ts'

const skip = without('dig')

test('the log has the lines of CoreDNS for an import without files, a reload and one that fails', {
  skip,
}, async (t) => {
  let port = 0
  const corefile = (body: string) => `import none/*.server\n.:${port} {\n    bind 127.0.0.1\n    ${body}\n}\n`
  const server = await startServer({
    corefile: ({ dns }) => {
      port = dns
      return corefile('whoami')
    },
  })
  t.after(() => server.stop('SIGKILL'))
  await server.printed(/^\[WARNING\] No files matching import glob pattern: none\/\*\.server \(.*Corefile:1:8\)$/m)
  writeFileSync(server.corefile, corefile('whoamy'))
  server.signal('SIGUSR1')
  await server.printed(/^\[INFO\] SIGUSR1: Reloading\n\[INFO\] Reloading\n/m)
  await server.printed(/^\[ERROR\] Restart failed: .*Corefile:4:5 - .*Unknown directive 'whoamy'/m)
  const failed = server.output().length
  writeFileSync(server.corefile, corefile('chaos'))
  server.signal('SIGUSR1')
  await server.printed(/^\[INFO\] Reloading complete$/m, failed)
  assert.equal(server.output().match(/^\[INFO\] Reloading$/gm)?.length, 2)
})
