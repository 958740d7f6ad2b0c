/** The gRPC service config: annotation `slicedns.io/grpc-config` (docs/design.md §10, gRFC A2). */
import { soa, spec } from '../../support/cases.ts'

const web = 'web.shop.svc.cluster.local.'
const config = '{"loadBalancingConfig":[{"round_robin":{}}]}'
const quoted = (text: string): string => text.replaceAll('"', '\\"')
const record = `TXT "grpc_config=${quoted(`[{"serviceConfig":${config}}]`)}"`

spec('slicedns.io/grpc-config: a TXT record for gRPC clients', {
  cluster: `service web shop headless
            endpoint web shop 10.1.0.1 ready
            service api shop external api.example.org`,
  cases: [
    {
      name: 'the name `_grpc_config` does not exist without the annotation',
      ask: `_grpc_config.${web} TXT`,
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'a config is a list of one choice, below the name where grpc-go looks',
      when: `annotate service web shop slicedns.io/grpc-config ${config}`,
      ask: `_grpc_config.${web} TXT`,
      answer: [`_grpc_config.${web} 5 IN ${record}`],
      by: 'table',
    },
    {
      name: 'the name below the service has no other records than the config',
      ask: `_grpc_config.${web} A`,
      authority: [soa()],
      by: 'table',
    },
    {
      name: "a config is a record of its own at the service's name, where grpc-js looks",
      when: 'annotate service web shop txt.slicedns.io/model llama-3',
      ask: `${web} TXT`,
      answer: [`${web} 5 IN TXT "model=llama-3"`, `${web} 5 IN ${record}`],
      by: 'table',
    },
    {
      name: 'metadata is not at the name below the service',
      ask: `_grpc_config.${web} TXT`,
      answer: [`_grpc_config.${web} 5 IN ${record}`],
    },
    {
      name: 'a config that clients would choke on is left out, the rest stays',
      when: 'annotate service web shop slicedns.io/grpc-config {"loadBalancingConfig":{"round_robin":{}}}',
      ask: `${web} TXT`,
      answer: [`${web} 5 IN TXT "model=llama-3"`],
    },
    {
      name: 'the name below the service is gone with an invalid config',
      ask: `_grpc_config.${web} TXT`,
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
    {
      name: 'an ExternalName has the config below its CNAME',
      when: `annotate service api shop slicedns.io/grpc-config ${config}`,
      ask: '_grpc_config.api.shop.svc.cluster.local. TXT',
      answer: [`_grpc_config.api.shop.svc.cluster.local. 5 IN ${record}`],
    },
    {
      name: 'an ExternalName has no config beside its CNAME',
      ask: 'api.shop.svc.cluster.local. TXT',
      authority: [soa()],
    },
    {
      name: 'a config goes with its service',
      when: 'remove service api shop',
      ask: '_grpc_config.api.shop.svc.cluster.local. TXT',
      rcode: 'NXDOMAIN',
      authority: [soa()],
    },
  ],
})
