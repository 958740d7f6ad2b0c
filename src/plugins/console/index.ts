import { argCount, type HostPort, listenAddress, noBody, value } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { acquireHttpListener } from '../../telemetry/http/listener.ts'
import { createEvents } from './events.ts'
import { readPage } from './page.ts'
import { createRoutes } from './routes.ts'

interface Settings {
  readonly address: HostPort
}

/** Local only: the console shows what is asked, and by which clients. */
const defaultAddress: HostPort = { host: 'localhost', port: 8053 }

const schema: DirectiveSchema<Settings> = {
  usage: 'console [ADDRESS]',
  repeat: 'once',
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 1)
    noBody(directive)
    const [word] = directive.args
    return { address: word ? value(listenAddress(), word, 'console') : defaultAddress }
  },
}

/** Shows the state of the server as a page, live, and as JSON. One block with it is enough: it shows the whole server. */
export const console: Plugin<Settings> = {
  name: 'console',
  schema,
  setup({ address }, { process, metrics, clock }) {
    const held: { release(): void }[] = []
    return {
      async start() {
        held.push(process.inspection.attend())
        const events = process.acquire('console events', () => createEvents(process.inspection, clock, metrics))
        held.push(events)
        const listener = acquireHttpListener(process, address, { metrics })
        held.push(listener)
        const routes = createRoutes({
          host: address.host,
          page: readPage(),
          inspection: process.inspection,
          events: events.value,
        })
        for (const [path, handler] of routes) held.push({ release: listener.value.route(path, handler).remove })
        await listener.value.open()
      },
      stop() {
        for (const holding of held.splice(0)) holding.release()
      },
    }
  },
}
