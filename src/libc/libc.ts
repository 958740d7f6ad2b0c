/**
 * All foreign function calls for Linux sockets that Node.js does not offer. Callers use file descriptors and offsets, and do
 * not know koffi.
 *
 * recvmmsg and sendmmsg go through syscall(2): musl's wrappers would split a sendmmsg into 64 sendmsg calls, and the
 * kernel's structures are the same for every libc.
 */
import { createRequire } from 'node:module'
import { arch, endianness } from 'node:os'

/** Values of the generic Linux ABI, equal on x86-64 and arm64. */
export const linux = {
  AF_INET: 2,
  AF_INET6: 10,
  SOL_SOCKET: 1,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  SO_REUSEPORT: 15,
  SO_ATTACH_FILTER: 26,
  SO_DETACH_FILTER: 27,
  SO_RCVBUFFORCE: 33,
  SO_MEMINFO: 55,
  SO_BINDTOIFINDEX: 62,
  IPPROTO_IP: 0,
  IP_PKTINFO: 8,
  IP_MTU_DISCOVER: 10,
  IP_RECVERR: 11,
  IPPROTO_IPV6: 41,
  IPV6_MTU_DISCOVER: 23,
  IPV6_RECVERR: 25,
  IPV6_V6ONLY: 26,
  IPV6_RECVPKTINFO: 49,
  IPV6_PKTINFO: 50,
  PMTUDISC_OMIT: 5,
  POLLIN: 1,
  POLLNVAL: 32,
  EAGAIN: 11,
  EINVAL: 22,
  EAFNOSUPPORT: 97,
  EADDRNOTAVAIL: 99,
  ECANCELED: 125,
} as const

const SOCK_DGRAM = 2
const NONBLOCK = 0o4000
const CLOEXEC = 0o2000000
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40
const MSG_ERRQUEUE = 0x2000
/** mallopt(3). */
const M_TRIM_THRESHOLD = -1
const M_MMAP_THRESHOLD = -3
const EPOLL_CTL_ADD = 1
const EPOLLET = 1 << 31

/** Maximum events per `ready`. */
const eventsAtOnce = 64

/** Calls return -1 on failure; `errno()` immediately afterwards gives the reason. */
export interface Libc {
  errno(): number
  /** The address of the first octet. The caller must keep `memory` referenced as long as the kernel may use it. */
  addressOf(memory: Uint8Array): number
  /** recvmmsg(MSG_DONTWAIT) into the `count` mmsghdrs at `headers`: returns how many were filled. */
  receive(fd: number, headers: number, count: number): number
  /** sendmmsg(MSG_DONTWAIT): returns how many were sent before the first that failed; -1 if that is the first of all. */
  send(fd: number, headers: number, count: number): number
  /** send(MSG_DONTWAIT) of `length` octets at the address `from`, on a connected socket. */
  sendOne(fd: number, from: number, length: number): number
  /** recv(MSG_DONTWAIT) into `capacity` octets at the address `to`. Returns the datagram's full length, even if truncated. */
  receiveOne(fd: number, to: number, capacity: number): number
  /** Takes one error from the socket's error queue (IP_RECVERR); returns -1 if it is empty. */
  receiveError(fd: number, to: number, capacity: number): number
  /** An epoll set, or -1. It can itself be polled: it is readable while one of its sockets is. */
  epoll(): number
  /** Watches the socket for datagrams and errors; `ready` reports `tag`, with `edge` once for each event. */
  watch(epoll: number, fd: number, tag: number, edge: boolean): number
  /** Writes the tags of readable sockets to `tags` and returns their number. Does not wait. */
  ready(epoll: number, tags: Int32Array): number
  /** `entries` are pollfds; `timeout` in milliseconds, -1: no limit. */
  poll(entries: Int32Array, count: number, timeout: number): number
  /** A datagram socket, non-blocking and close-on-exec. */
  socket(family: number): number
  bind(fd: number, address: Uint8Array): number
  connect(fd: number, address: Uint8Array): number
  /** Writes the socket's local address to `address`. */
  localAddress(fd: number, address: Uint8Array): number
  setOption(fd: number, level: number, option: number, value: number): number
  /** Writes the option's octets to `value`; returns their number, or -1. */
  getOption(fd: number, level: number, option: number, value: Uint8Array): number
  /** Attaches the program (struct sock_filter[]), which the kernel runs on each incoming datagram; undefined: detaches it. */
  filter(fd: number, program: Uint8Array | undefined): number
  /** A pollable counter, or -1: `signal` makes it readable, `clear` resets it. */
  eventfd(): number
  signal(fd: number): void
  clear(fd: number): void
  /** Both ends are non-blocking; undefined when the process has no descriptors left. */
  pipe(): { readonly read: number; readonly write: number } | undefined
  close(fd: number): void
  /** Returns free memory to the system: malloc_trim(3), which only glibc has. */
  trim(): void
  /**
   * Makes glibc return free memory at the end of an arena beyond this size, and always larger blocks. By default both limits grow
   * up to 64 MiB, with the largest block ever freed.
   */
  boundFreeMemory(octets: number): void
  /** The number of a network interface, 0 for an unknown name. */
  interfaceIndex(name: string): number
}

let loaded: Libc | undefined

/** Throws an Error that says why the native calls are not available. */
export function loadLibc(): Libc {
  loaded ??= bindLibc()
  return loaded
}

function bindLibc(): Libc {
  const numbers = { x64: { recvmmsg: 299, sendmmsg: 307 }, arm64: { recvmmsg: 243, sendmmsg: 269 } }[arch() as string]
  if (process.platform !== 'linux' || numbers === undefined || endianness() !== 'LE') {
    throw new Error(`no recvmmsg on ${process.platform} ${arch()}`)
  }
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
  const libc = koffi.load(null)
  // Pointers as plain numbers: a typed array or BigInt costs 30 ns more in each of a batch's two calls.
  const messages = libc.func('syscall', 'int', ['long', 'int', 'int64', 'int', 'int', 'int64'])
  const poll = libc.func('poll', 'int', ['void *', 'ulong', 'int'])
  const socket = libc.func('socket', 'int', ['int', 'int', 'int'])
  const bind = libc.func('bind', 'int', ['int', 'void *', 'int'])
  const connect = libc.func('connect', 'int', ['int', 'void *', 'int'])
  const getsockname = libc.func('getsockname', 'int', ['int', 'void *', 'void *'])
  const send = libc.func('send', 'long', ['int', 'int64', 'ulong', 'int'])
  const recv = libc.func('recv', 'long', ['int', 'int64', 'ulong', 'int'])
  const epollCreate = libc.func('epoll_create1', 'int', ['int'])
  const epollControl = libc.func('epoll_ctl', 'int', ['int', 'int', 'int', 'void *'])
  const epollWait = libc.func('epoll_wait', 'int', ['int', 'void *', 'int', 'int'])
  const setsockopt = libc.func('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'int'])
  const getsockopt = libc.func('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *'])
  const eventfd = libc.func('eventfd', 'int', ['int', 'int'])
  const pipe2 = libc.func('pipe2', 'int', ['void *', 'int'])
  const write = libc.func('write', 'long', ['int', 'void *', 'long'])
  const read = libc.func('read', 'long', ['int', 'void *', 'long'])
  const close = libc.func('close', 'int', ['int'])
  const nameToIndex = libc.func('if_nametoindex', 'int', ['str'])
  const trim = optional(() => libc.func('malloc_trim', 'int', ['ulong']))
  const mallopt = optional(() => libc.func('mallopt', 'int', ['int', 'int']))
  const one = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)
  const counter = new Uint8Array(8)
  // struct epoll_event: the events, then 64 bits of data; packed on x86-64 only.
  const eventWords = arch() === 'x64' ? 3 : 4
  const dataWord = eventWords - 2
  const interest = new Int32Array(eventWords)
  const events = new Int32Array(eventWords * eventsAtOnce)
  return {
    errno: () => koffi.errno(),
    addressOf: (memory) => Number(koffi.address(memory)),
    receive: (fd, headers, count) => messages(numbers.recvmmsg, fd, headers, count, MSG_DONTWAIT, 0),
    send: (fd, headers, count) => messages(numbers.sendmmsg, fd, headers, count, MSG_DONTWAIT, 0),
    sendOne: (fd, from, length) => send(fd, from, length, MSG_DONTWAIT),
    receiveOne: (fd, to, capacity) => recv(fd, to, capacity, MSG_DONTWAIT | MSG_TRUNC),
    receiveError: (fd, to, capacity) => recv(fd, to, capacity, MSG_DONTWAIT | MSG_ERRQUEUE),
    epoll: () => epollCreate(CLOEXEC),
    watch(epoll, fd, tag, edge) {
      interest[0] = edge ? linux.POLLIN | EPOLLET : linux.POLLIN
      interest[dataWord] = tag
      return epollControl(epoll, EPOLL_CTL_ADD, fd, interest)
    },
    ready(epoll, tags) {
      const found = epollWait(epoll, events, Math.min(tags.length, eventsAtOnce), 0)
      for (let i = 0; i < found; i++) tags[i] = events[i * eventWords + dataWord]
      return found
    },
    poll: (entries, count, timeout) => poll(entries, count, timeout),
    socket: (family) => socket(family, SOCK_DGRAM | NONBLOCK | CLOEXEC, 0),
    bind: (fd, address) => bind(fd, address, address.length),
    connect: (fd, address) => connect(fd, address, address.length),
    localAddress: (fd, address) => getsockname(fd, address, Int32Array.of(address.length)),
    setOption: (fd, level, option, value) => setsockopt(fd, level, option, Int32Array.of(value), 4),
    getOption(fd, level, option, value) {
      const length = Int32Array.of(value.length)
      return getsockopt(fd, level, option, value, length) === 0 ? length[0] : -1
    },
    filter(fd, program) {
      if (program === undefined) return setsockopt(fd, linux.SOL_SOCKET, linux.SO_DETACH_FILTER, Int32Array.of(0), 4)
      // struct sock_fprog: the number of instructions, and their address.
      const described = new BigUint64Array([BigInt(program.length / 8), BigInt(koffi.address(program))])
      return setsockopt(fd, linux.SOL_SOCKET, linux.SO_ATTACH_FILTER, described, described.byteLength)
    },
    eventfd: () => eventfd(0, NONBLOCK | CLOEXEC),
    signal: (fd) => void write(fd, one, 8),
    clear: (fd) => void read(fd, counter, 8),
    pipe() {
      const ends = new Int32Array(2)
      return pipe2(ends, NONBLOCK | CLOEXEC) === 0 ? { read: ends[0], write: ends[1] } : undefined
    },
    close: (fd) => void close(fd),
    trim: () => void trim?.(0),
    boundFreeMemory(octets) {
      mallopt?.(M_TRIM_THRESHOLD, octets)
      mallopt?.(M_MMAP_THRESHOLD, octets)
    },
    interfaceIndex: (name) => nameToIndex(name),
  }
}

/** A function that some libcs lack. */
function optional<Found>(find: () => Found): Found | undefined {
  try {
    return find()
  } catch {
    return undefined
  }
}
