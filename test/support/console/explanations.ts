/** What `/explain` says in tests of the page: one name for each way that an answer takes, and any other by the chain. */

export const tableName = 'llm.inference.svc.cluster.local.'
export const relayName = 'example.org.'

const quiet = ['reload', 'bufsize', 'bind', 'ready', 'health', 'prometheus', 'errors', 'loadbalance']

export function explanationsOf(name: string, type: string): object[] {
  const path = name === tableName ? 'table' : name === relayName ? 'relay' : 'chain'
  const kubernetes =
    path === 'table'
      ? ['Namespace inference', 'Service inference/llm: headless; port http/tcp 8000', 'ready: 10.244.1.2 (llm-0)']
      : ['not in its zones (cluster.local. in-addr.arpa. ip6.arpa.): goes to the next plugin']
  const explanation = {
    name,
    type,
    zone: '.',
    path,
    reason: path === 'table' ? '' : `the table has neither the name ${name} nor a name above it`,
    notRelayed: path === 'chain' ? 'rewrite at Corefile:9:5 changes the question' : '',
    steps: [
      ...quiet.map((plugin) => ({ plugin, lines: [] })),
      { plugin: 'cache', lines: ['has no entry'] },
      { plugin: 'kubernetes', lines: kubernetes },
      { plugin: 'forward', lines: ['forwards to 10.0.0.2:53 (up), policy random'] },
    ],
    rcode: path === 'chain' ? 'SERVFAIL' : 'NOERROR',
    answer: path === 'chain' ? [] : [`${name} 5 IN ${type} 10.244.1.2`, `${name} 5 IN ${type} 10.244.2.2`],
    authority: [],
    additional: [],
  }
  return [
    { ...explanation, listener: 'dns://127.0.0.1:53' },
    // The same records in another order.
    { ...explanation, answer: explanation.answer.toReversed(), listener: 'dns://[::1]:53' },
  ]
}
