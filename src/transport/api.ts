export type { Ingress as TransportServer, Listener, Miss, MissHandler } from '../server/ingress.ts'
