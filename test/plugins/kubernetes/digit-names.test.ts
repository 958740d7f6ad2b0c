/** Kubernetes 1.38 allows names of Services that begin with a digit (RFC 1123 labels), also those that read as addresses. */
import { spec } from '../../support/cases.ts'

spec('Kubernetes 1.38: names of Services that begin with a digit', {
  options: 'pods insecure',
  cluster: `
    service 3scale 2team 10.3.0.1
    service 10-3-0-9 2team 10.3.0.2
    service 0 2team headless
    endpoint 0 2team 172.0.0.2 ready hostname 1st
    endpoint 3scale 2team 172.0.0.9 ready
    service 1split 2team 10.3.0.4
    annotate service 1split 2team slicedns.io/split 3scale=100
    annotate service 1split 2team slicedns.io/ttl 3`,
  cases: [
    {
      name: 'the address of a split whose name, and whose backend, begins with a digit',
      ask: '1split.2team.svc.cluster.local. A',
      answer: ['1split.2team.svc.cluster.local. 3 IN A 10.3.0.1'],
    },
    {
      name: 'the address of a Service whose name begins with a digit',
      ask: '3scale.2team.svc.cluster.local. A',
      answer: ['3scale.2team.svc.cluster.local. 5 IN A 10.3.0.1'],
    },
    {
      name: 'the PTR of a Service whose name begins with a digit',
      ask: '1.0.3.10.in-addr.arpa. PTR',
      answer: ['1.0.3.10.in-addr.arpa. 5 IN PTR 3scale.2team.svc.cluster.local.'],
    },
    {
      name: 'the ports of a Service whose name begins with a digit',
      ask: '_http._tcp.3scale.2team.svc.cluster.local. SRV',
      answer: ['_http._tcp.3scale.2team.svc.cluster.local. 5 IN SRV 0 100 80 3scale.2team.svc.cluster.local.'],
      additional: ['3scale.2team.svc.cluster.local. 5 IN A 10.3.0.1'],
    },
    {
      name: 'the address of a Service whose name reads as an address',
      ask: '10-3-0-9.2team.svc.cluster.local. A',
      answer: ['10-3-0-9.2team.svc.cluster.local. 5 IN A 10.3.0.2'],
    },
    {
      name: 'the address of a headless Service whose name is a digit',
      ask: '0.2team.svc.cluster.local. A',
      answer: ['0.2team.svc.cluster.local. 5 IN A 172.0.0.2'],
    },
    {
      name: 'the address of an endpoint whose host name begins with a digit',
      ask: '1st.0.2team.svc.cluster.local. A',
      answer: ['1st.0.2team.svc.cluster.local. 5 IN A 172.0.0.2'],
    },
  ],
})
