/** Why a test of CoreDNS does not pass with slicedns: it looks into the library, or at what is left out on purpose. */
const noQuic = 'DNS over QUIC and HTTP/3 are left out'
const library = 'it looks into the library, in its own process'

export const reasons: Readonly<Record<string, string>> = {
  TestACMEDNS01CertificateManagement: 'certificates are not obtained: `tls` needs files',
  TestDynUpdateKeaLifecycle: 'it skips itself where Kea DHCP-DDNS is not installed',
  TestHTTPS3: noQuic,
  TestHTTPS3WithLimits: noQuic,
  TestQUIC: noQuic,
  TestQUICReloadDoesNotPanic: noQuic,
  TestQUICProtocolError: noQuic,
  TestQUICStreamLimits: noQuic,
  TestJSONLoggingProcess: library,
  TestMetricsSeveralBlocs: 'it expects `cache` to keep an answer of `whoami`, whose TTL is 0 (docs/differences.md)',
  TestMetricsRewriteRequestSize: 'it expects the counters of the server before it, of the same process',
  TestReadme: 'the examples of `trace` and of `quic://` upstreams are refused (docs/plugins.md)',
  TestReloadUnreadyPlugin: library,
  TestReloadTwoServerBlocksUnreadyPlugin: library,
  TestMultiZoneBlockConfigs: library,
}
