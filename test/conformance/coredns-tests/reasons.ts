/** Why a test of CoreDNS does not pass with slicedns: it looks into the library, or at what is left out on purpose. */
const noQuic = 'DNS over QUIC and HTTP/3 are left out'
const noUpdates = '`dynupdate` is not there'
const samePort = 'it starts a second server on the port of the first: refused here (docs/differences.md)'
const library = 'it looks into the library, in its own process'

export const reasons: Readonly<Record<string, string>> = {
  TestACMEDNS01CertificateManagement: 'certificates are not obtained: `tls` needs files',
  TestDynUpdateKeaLifecycle: noUpdates,
  TestDynUpdatePersistentWire: noUpdates,
  TestDynUpdateFailedStartupDoesNotCreateDatabase: noUpdates,
  TestDynUpdateRejectsDuplicateDirective: noUpdates,
  TestDynUpdateCorefileReload: noUpdates,
  TestDynUpdateNsupdate: noUpdates,
  TestDynUpdateCoalescesNotify: noUpdates,
  TestDynUpdateUDPAndTCP: noUpdates,
  TestDynUpdateRejectsUnsignedRequest: noUpdates,
  TestDynUpdateRejectsOtherZones: noUpdates,
  TestDynUpdateIsNotServedFromCache: noUpdates,
  TestDynUpdateAXFRIncludesUpdatedRecord: noUpdates,
  TestZoneExternalCNAMELookupWithProxy: 'it asks a resolver of the internet',
  TestHTTPS3: noQuic,
  TestHTTPS3WithLimits: noQuic,
  TestQUIC: noQuic,
  TestQUICReloadDoesNotPanic: noQuic,
  TestQUICProtocolError: noQuic,
  TestQUICStreamLimits: noQuic,
  TestJSONLoggingProcess: library,
  TestMetricsSeveralBlocs: 'it expects `cache` to keep an answer of `whoami`, whose TTL is 0 (docs/differences.md)',
  TestMetricsRewriteRequestSize: 'it expects the counters of the server before it, of the same process',
  TestReloadUnreadyPlugin: library,
  TestReloadTwoServerBlocksUnreadyPlugin: library,
  TestMultiZoneBlockConfigs: library,
  TestView: samePort,
  TestViewServerBlockOrdering: samePort,
}
