/** All plugins in chain order (docs/coredns-behaviour.md §2.2). Nothing else belongs in this file. */
import type { Plugin } from '../plugin/contract.ts'
import { acl } from './acl/index.ts'
import { any } from './any/index.ts'
import { auto } from './auto/index.ts'
import { autopath } from './autopath/index.ts'
import { bind } from './bind/index.ts'
import { bufsize } from './bufsize/index.ts'
import { cache } from './cache/index.ts'
import { cancel } from './cancel/index.ts'
import { chaos } from './chaos/index.ts'
import { console } from './console/index.ts'
import { debug } from './debug/index.ts'
import { dns64 } from './dns64/index.ts'
import { dnssec } from './dnssec/index.ts'
import { dnstap } from './dnstap/index.ts'
import { dynupdate } from './dynupdate/index.ts'
import { erratic } from './erratic/index.ts'
import { errors } from './errors/index.ts'
import { etcd } from './etcd/index.ts'
import { extendedErrorsPlugin } from './extended_errors/index.ts'
import { file } from './file/index.ts'
import { forward } from './forward/index.ts'
import { grpc } from './grpc/index.ts'
import { grpcServer } from './grpc_server/index.ts'
import { header } from './header/index.ts'
import { health } from './health/index.ts'
import { hosts } from './hosts/index.ts'
import { https } from './https/index.ts'
import { k8sExternal } from './k8s_external/index.ts'
import { kubernetes } from './kubernetes/index.ts'
import { loadbalance } from './loadbalance/index.ts'
import { local } from './local/index.ts'
import { log } from './log/index.ts'
import { loop } from './loop/index.ts'
import { metadata } from './metadata/index.ts'
import { minimal } from './minimal/index.ts'
import { multisocket } from './multisocket/index.ts'
import { noAaaa } from './no_aaaa/index.ts'
import { nsid } from './nsid/index.ts'
import { prometheus } from './prometheus/index.ts'
import { proxyproto } from './proxyproto/index.ts'
import { ready } from './ready/index.ts'
import { reload } from './reload/index.ts'
import { rewrite } from './rewrite/index.ts'
import { root } from './root/index.ts'
import { secondary } from './secondary/index.ts'
import { shed } from './shed/index.ts'
import { sign } from './sign/index.ts'
import { siit } from './siit/index.ts'
import { template } from './template/index.ts'
import { timeouts } from './timeouts/index.ts'
import { tls } from './tls/index.ts'
import { transfer } from './transfer/index.ts'
import { tsig } from './tsig/index.ts'
import { view } from './view/index.ts'
import { whoami } from './whoami/index.ts'

export const plugins: readonly Plugin[] = [
  root,
  metadata,
  cancel,
  proxyproto,
  grpcServer,
  https,
  timeouts,
  multisocket,
  reload,
  nsid,
  bufsize,
  extendedErrorsPlugin,
  bind,
  debug,
  ready,
  health,
  console,
  shed,
  prometheus,
  errors,
  log,
  dnstap,
  local,
  dns64,
  siit,
  any,
  chaos,
  loadbalance,
  tsig,
  rewrite,
  autopath,
  acl,
  noAaaa,
  cache,
  header,
  dnssec,
  tls,
  minimal,
  template,
  transfer,
  dynupdate,
  hosts,
  k8sExternal,
  kubernetes,
  file,
  auto,
  secondary,
  etcd,
  loop,
  forward,
  grpc,
  erratic,
  whoami,
  sign,
  view,
]
