/** The abstract socket (unix(7)) of a server: whoever squats it, or speaks to it without our client, needs its name. */
import { statSync } from 'node:fs'

/** Of a server of our PID namespace, which is an inode (pid_namespaces(7)). */
export const localName = (pid: number): string => `\0slicedns-${statSync('/proc/self/ns/pid').ino}-${pid}`
