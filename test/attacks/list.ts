import type { Attack } from './arena.ts'
import { clusterAttacks } from './cluster-attacks.ts'
import { etcdAttacks } from './etcd-attacks.ts'
import { httpAttacks } from './http-attacks.ts'
import { overloadAttacks } from './overload-attacks.ts'
import { questionAttacks } from './question-attacks.ts'
import { secureAttacks } from './secure-attacks.ts'
import { signAttacks } from './sign-attacks.ts'
import { tcpAttacks } from './tcp-attacks.ts'
import { upstreamAttacks } from './upstream-attacks.ts'
import { zoneAttacks } from './zone-attacks.ts'

/** The findings of the security review that are attacks, each twice as large as it was found. */
export const attacks: readonly Attack[] = [
  ...httpAttacks,
  ...questionAttacks,
  ...clusterAttacks,
  ...tcpAttacks,
  ...secureAttacks,
  ...upstreamAttacks,
  ...overloadAttacks,
  ...zoneAttacks,
  ...etcdAttacks,
  ...signAttacks,
].toSorted((a, b) => a.finding - b.finding)
