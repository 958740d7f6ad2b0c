/** The cluster's DNS as kubeadm leaves it: CoreDNS behind the Service `kube-dns`, with its Corefile, account and rights. */

export const dnsAddress = '10.96.0.10'

const labels = { 'k8s-app': 'kube-dns' }
const ports = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
]

const corefile = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`

/** Objects by the collection that they are posted to. */
export const kubeadmDns: readonly (readonly [collection: string, object: object])[] = [
  ['/api/v1/namespaces/kube-system/serviceaccounts', { metadata: { name: 'coredns' } }],
  [
    '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    {
      metadata: { name: 'system:coredns' },
      rules: [
        { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      ],
    },
  ],
  [
    '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    {
      metadata: { name: 'system:coredns' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
      subjects: [{ kind: 'ServiceAccount', name: 'coredns', namespace: 'kube-system' }],
    },
  ],
  ['/api/v1/namespaces/kube-system/configmaps', { metadata: { name: 'coredns' }, data: { Corefile: corefile } }],
  [
    '/api/v1/namespaces/kube-system/services',
    { metadata: { name: 'kube-dns', labels }, spec: { clusterIP: dnsAddress, selector: labels, ports } },
  ],
  [
    '/apis/apps/v1/namespaces/kube-system/deployments',
    {
      metadata: { name: 'coredns', labels },
      spec: {
        replicas: 2,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: 'coredns',
            priorityClassName: 'system-cluster-critical',
            dnsPolicy: 'Default',
            containers: [
              {
                name: 'coredns',
                image: 'registry.k8s.io/coredns/coredns:v1.15.0',
                args: ['-conf', '/etc/coredns/Corefile'],
                // kubeadm leaves out the period, which is 10 then: nobody waits that long here.
                readinessProbe: { httpGet: { path: '/ready', port: 8181, scheme: 'HTTP' }, periodSeconds: 2 },
                volumeMounts: [{ name: 'config-volume', mountPath: '/etc/coredns', readOnly: true }],
              },
            ],
            volumes: [
              {
                name: 'config-volume',
                configMap: { name: 'coredns', items: [{ key: 'Corefile', path: 'Corefile' }] },
              },
            ],
          },
        },
      },
    },
  ],
]
