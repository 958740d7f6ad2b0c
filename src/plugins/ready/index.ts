import { argCount, type HostPort, listenAddress, oneOf, option, readBody, value } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import type { Instance, Plugin } from '../../plugin/contract.ts'
import { acquireHttpListener, httpAddressText } from '../../telemetry/http/listener.ts'
import { textReply } from '../../telemetry/http/message.ts'
import { createReadiness, logUnready, type Member } from './readiness.ts'

interface Settings {
  readonly address: HostPort
  readonly monitor: 'until-ready' | 'continuously'
}

const defaultAddress: HostPort = { host: '', port: 8181 }

const schema: DirectiveSchema<Settings> = {
  usage: 'ready [ADDRESS] { monitor until-ready|continuously }',
  repeat: 'once',
  read({ occurrences: [directive] }) {
    argCount(directive, 0, 1)
    const [word] = directive.args
    const options = readBody(directive, {
      monitor: option(oneOf(['until-ready', 'continuously']), { default: 'until-ready' as const }),
    })
    return { address: word ? value(listenAddress(), word, 'ready') : defaultAddress, ...options }
  },
}

/** Reports over HTTP whether the plugins of its block are ready; not ready from SIGTERM on. */
export const ready: Plugin<Settings> = {
  name: 'ready',
  schema,
  setup({ address, monitor }, { process, block, metrics, log, clock }) {
    const held: { release(): void }[] = []
    let member: Member | undefined
    let drain = (): void => undefined

    function reporters(): { readonly name: string; readonly instance: Instance }[] {
      return block.plugins.flatMap(({ plugin, instance }) => (instance.ready ? [{ name: plugin, instance }] : []))
    }
    return {
      async start() {
        const shared = process.acquire(`readiness ${address.host} ${address.port}`, () =>
          createReadiness(metrics, httpAddressText(address), logUnready(log, clock)),
        )
        held.push(shared)
        const listener = acquireHttpListener(process, address, { metrics })
        held.push(listener)
        const readiness = shared.value
        const route = listener.value.route('/ready', () => {
          const { ready: isReady, text } = readiness.answer()
          // A client with a kept-alive connection would not see that a new process on this port is ready.
          return textReply(isReady ? 200 : 503, text, { close: !isReady })
        })
        held.push({ release: route.remove })
        member = readiness.join(reporters(), monitor === 'continuously')
        held.push({ release: member.leave })
        drain = () => {
          readiness.shutDown()
          listener.value.closeIdle()
        }
        await listener.value.open()
      },
      serving: () => member?.serve(),
      drain: () => drain(),
      stop() {
        for (const holding of held.splice(0)) holding.release()
      },
    }
  },
}
