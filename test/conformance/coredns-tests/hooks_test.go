// What the tests of CoreDNS's folder `test` look at in the library, as the process has it. run.ts puts it beside them.
package test

import (
	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin/metrics"
)

func init() {
	caddy.DefaultPort = func() string { return dnsserver.Port }
	caddy.MetricsListen = func(address string) { metrics.ListenAddr = address }
}
