import {
  argCount,
  duration,
  durationText,
  type HostPort,
  listenAddress,
  option,
  readBody,
  value,
} from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { lameduck as lameduckTime } from '../../plugin/capabilities/lameduck.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { acquireHttpListener } from '../../telemetry/http/listener.ts'
import { textReply } from '../../telemetry/http/message.ts'
import { createProbe, probeMetrics } from './probe.ts'

interface Settings {
  readonly address: HostPort
  /** Milliseconds. */
  readonly lameduck: number
}

const defaultAddress: HostPort = { host: '', port: 8080 }

const schema: DirectiveSchema<readonly Settings[]> = {
  usage: 'health [ADDRESS] { lameduck DURATION }',
  repeat: 'many',
  read({ occurrences }) {
    return occurrences.map((directive) => {
      argCount(directive, 0, 1)
      const [word] = directive.args
      const address = word ? value(listenAddress(), word, 'health') : defaultAddress
      return { address, ...readBody(directive, { lameduck: option(duration(), { default: 0 }) }) }
    })
  },
}

/** Reports over HTTP that the process is alive. As in CoreDNS, the last `health` of a block counts. */
export const health: Plugin<readonly Settings[]> = {
  name: 'health',
  schema,
  registerMetrics: (metrics) => void probeMetrics(metrics),
  setup(all, { process, metrics, clock, log }) {
    const { address, lameduck } = all.at(-1)!
    const held: { release(): void }[] = []
    return {
      // CoreDNS accepts a negative one and does not wait.
      provides: [provide(lameduckTime, Math.max(0, lameduck))],
      drain() {
        if (lameduck > 0) log.info(`Going into lameduck mode for ${durationText(lameduck)}`)
      },
      async start() {
        const listener = acquireHttpListener(process, address, { metrics })
        held.push(listener)
        const route = listener.value.route('/health', () => textReply(200, 'OK'))
        held.push({ release: route.remove })
        await listener.value.open()
        held.push(
          process.acquire(`health probe ${address.host} ${listener.value.port}`, () =>
            createProbe({ host: address.host, port: listener.value.port }, metrics, clock, log),
          ),
        )
      },
      stop() {
        for (const holding of held.splice(0)) holding.release()
      },
    }
  },
}
