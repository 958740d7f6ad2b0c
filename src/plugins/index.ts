/** Every plugin there is, in chain order: docs/coredns-behaviour.md §2.2. Nothing else is in this file. */
import type { Plugin } from '../plugin/contract.ts'
import { autopath } from './autopath/index.ts'
import { bind } from './bind/index.ts'
import { bufsize } from './bufsize/index.ts'
import { cache } from './cache/index.ts'
import { cancel } from './cancel/index.ts'
import { debug } from './debug/index.ts'
import { errors } from './errors/index.ts'
import { forward } from './forward/index.ts'
import { health } from './health/index.ts'
import { k8sExternal } from './k8s_external/index.ts'
import { kubernetes } from './kubernetes/index.ts'
import { loadbalance } from './loadbalance/index.ts'
import { log } from './log/index.ts'
import { loop } from './loop/index.ts'
import { multisocket } from './multisocket/index.ts'
import { prometheus } from './prometheus/index.ts'
import { ready } from './ready/index.ts'
import { reload } from './reload/index.ts'
import { root } from './root/index.ts'
import { transfer } from './transfer/index.ts'
import { whoami } from './whoami/index.ts'

export const plugins: readonly Plugin[] = [
  root,
  cancel,
  multisocket,
  reload,
  bufsize,
  bind,
  debug,
  ready,
  health,
  prometheus,
  errors,
  log,
  loadbalance,
  autopath,
  cache,
  transfer,
  k8sExternal,
  kubernetes,
  loop,
  forward,
  whoami,
]
