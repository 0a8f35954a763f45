import type { KoffiFunc } from 'koffi';

const IS_DARWIN = process.platform === 'darwin';
const IS_LINUX = process.platform === 'linux';

/** fcntl(2): the lowest free descriptor for the same socket, closed in child processes. Its number differs by system. */
const F_DUPFD_CLOEXEC = IS_DARWIN ? 67 : 1030;

/** fcntl(2): the descriptor is closed in child processes. */
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/**
 * send(2): do not wait for room, and send no signal when the peer is gone. macOS has no flag for the latter; Node
 * ignores the signal.
 */
const SEND_FLAGS = IS_DARWIN ? 0x80 : 0x4040;

/** tcp(7): how many bytes were written to a socket and not acknowledged by its peer, as an int. Linux only. */
const SIOCOUTQ = 0x5411;

/** accept4(2), which macOS lacks: the descriptor does not block, and is closed in child processes. */
const SOCK_NONBLOCK_CLOEXEC = 0x80800;

/** recv(2): what is read stays to be read again; do not wait for it. */
const MSG_PEEK = 2;
const MSG_DONTWAIT = 0x40;

/** setsockopt(2): a segment is not held back for the sake of later ones. */
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

/** An address, as accept4(2) and getsockname(2) give it: sockaddr(3type), of the longest kind; the first bytes are the family. */
const SOCKADDR_BYTES = 128;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
/** Offsets of the address itself. */
const UNIX_AT = 2;
const IPV4_AT = 4;
const IPV6_AT = 8;
const ADDRESS_TEXT_BYTES = 64;

/** The most that one send(2) takes on Linux, in bytes. */
const MAX_SEND_BYTES = 0x7fff_f000;

/** madvise(2): the pages are not needed any more, and are zeros when they are touched again. Linux only. */
const MADV_DONTNEED = 4;
const PAGE_BYTES = 4096;

/** poll(2), on Linux: there is something to read; the peer has ended its side, or the connection is lost. */
const POLLIN = 0x1;
const POLLERR = 0x8;
const POLLHUP = 0x10;
const POLLRDHUP = 0x2000;
/** struct pollfd: its size, and the offsets of the requested events and of the returned events. */
const POLLFD_BYTES = 8;
const EVENTS_AT = 4;
const REVENTS_AT = 6;

type Advise = (address: number, length: number, advice: number) => number;
type Fcntl = (fd: number, command: number, type: 'int', value: number) => number;
type Ioctl = (fd: number, request: number, type: 'int *', value: Int32Array) => number;
type Transfer = (fd: number, address: number, length: number, flags: number) => number;
type Poll = (fds: Uint8Array, count: number, timeoutMs: number) => number;
type GetName = (fd: number, address: number, length: number) => number;
type SetOption = (fd: number, level: number, name: number, value: Int32Array, length: number) => number;
type AddressToText = (family: number, address: Uint8Array, text: Uint8Array, length: number) => string | null;

/**
 * System calls that Node lacks, or that cost more through Node, made by koffi. Each thread has its own object. A call costs about
 * 50 ns beside the time in the system.
 */
export class SystemCalls {
  readonly #fcntl: Fcntl;
  readonly #ioctl: Ioctl;
  readonly #send: Transfer;
  readonly #recv: Transfer;
  readonly #accept: Transfer | undefined;
  readonly #advise: Advise | undefined;
  readonly #poll: Poll | undefined;
  readonly #getName: GetName;
  readonly #setOption: SetOption;
  readonly #addressToText: AddressToText;
  readonly #addressOf: (bytes: Uint8Array) => bigint;
  readonly #int = new Int32Array(1);
  /** Where an address is put, and behind it its length. */
  readonly #peer = Buffer.allocUnsafeSlow(SOCKADDR_BYTES + 4);
  readonly #peerAddress: number;
  /** The last IPv4 address and its text: peers in a row mostly come from one address. */
  #lastIpv4 = -1;
  #lastIpv4Text = '';
  /**
   * The memory that was last sent from, and its address. To find the address takes 90 ns, and the memory is nearly always the
   * same. The memory stays alive until {@link letGo}. (A WeakRef would cost more, because the engine has to keep its target alive
   * after each look.)
   */
  #memory: Uint8Array | undefined;
  #address = 0;

  /** @internal Use {@link loadSystemCalls}. */
  constructor(koffi: Koffi) {
    const system = koffi.load(null);
    // fcntl and ioctl are variadic, and are declared so because macOS on arm64 passes such arguments differently.
    this.#fcntl = system.func('int fcntl(int fd, int command, ...)') as unknown as Fcntl;
    this.#ioctl = system.func('int ioctl(int fd, unsigned long request, ...)') as unknown as Ioctl;
    this.#send = system.func('intptr_t send(int fd, uintptr_t bytes, size_t length, int flags)') as KoffiFunc<Transfer>;
    this.#recv = system.func('intptr_t recv(int fd, uintptr_t bytes, size_t length, int flags)') as KoffiFunc<Transfer>;
    this.#accept = IS_LINUX
      ? (system.func('int accept4(int fd, uintptr_t peer, uintptr_t length, int flags)') as KoffiFunc<Transfer>)
      : undefined;
    this.#advise = IS_LINUX
      ? (system.func('int madvise(uintptr_t address, size_t length, int advice)') as KoffiFunc<Advise>)
      : undefined;
    this.#poll = IS_LINUX ? system.func('int poll(void *fds, unsigned long count, int timeout)') : undefined;
    this.#getName = system.func('int getsockname(int fd, uintptr_t address, uintptr_t length)') as KoffiFunc<GetName>;
    this.#setOption = system.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)');
    this.#addressToText = system.func('str inet_ntop(int family, void *address, void *text, uint32_t length)');
    this.#peerAddress = Number(koffi.address(this.#peer));
    this.#addressOf = (bytes) => koffi.address(bytes);
  }

  /** A second descriptor for the same socket or file; -1 if no descriptor is left, or `fd` is not open. */
  duplicate(fd: number): number {
    return this.#fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0);
  }

  /** Has child processes not inherit a descriptor. */
  closeInChildren(fd: number): void {
    this.#fcntl(fd, F_SETFD, 'int', FD_CLOEXEC);
  }

  /**
   * Sends `[start, end)` of `bytes` on a connected socket, as much as the kernel takes now. With messages of 20 bytes, one in
   * flight, a server that does nothing else is 1.15 times as fast as with `fs.writeSync`.
   *
   * @param bytes memory that cannot move: of a WebAssembly memory, a SharedArrayBuffer, or more than 64 bytes long.
   * @returns how many bytes the kernel has taken; -1 if none, because there is no room or the peer is gone. A caller learns which
   * of the two by a write of the socket. (errno is not read, because it may be that of a call in between.)
   * @throws RangeError if the range is not within `bytes`: the memory beside it belongs to others.
   */
  send(fd: number, bytes: Uint8Array, start: number, end: number): number {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new RangeError(`cannot send bytes ${start} to ${end} of ${bytes.length}`);
    }
    if (this.#memory !== bytes) {
      this.#memory = bytes;
      this.#address = Number(this.#addressOf(bytes));
    }
    return this.#send(fd, this.#address + start, Math.min(end - start, MAX_SEND_BYTES), SEND_FLAGS);
  }

  /** Lets go of the memory that was last sent from, which may be large and of no other use any more. */
  letGo(): void {
    this.#memory = undefined;
  }

  /**
   * Makes the future connections of a listening socket send small segments at once. On Linux they inherit that from it.
   * @returns whether {@link accept} can be used with it.
   */
  prepareToAccept(fd: number): boolean {
    if (this.#accept === undefined) return false;
    if (this.unixPathOf(fd) !== undefined) return true; // there nothing is held back
    this.#int[0] = 1;
    return this.#setOption(fd, IPPROTO_TCP, TCP_NODELAY, this.#int, 4) === 0;
  }

  /**
   * The path that a unix socket is bound to; with `@` in front if it is an abstract one, and empty if the socket is not bound.
   * Undefined if it is no unix socket.
   */
  unixPathOf(fd: number): string | undefined {
    const name = this.#peer;
    name.writeUInt32LE(SOCKADDR_BYTES, SOCKADDR_BYTES);
    if (this.#getName(fd, this.#peerAddress, this.#peerAddress + SOCKADDR_BYTES) !== 0) return undefined;
    const family = IS_DARWIN ? name.readUInt8(1) : name.readUInt16LE(0);
    if (family !== AF_UNIX) return undefined;
    const path = name.toString('utf8', UNIX_AT, Math.min(name.readUInt32LE(SOCKADDR_BYTES), SOCKADDR_BYTES));
    return path.startsWith('\0') ? `@${path.slice(1)}` : path.replace(/\0.*$/s, '');
  }

  /**
   * Accepts the next connection that waits at a listening socket. @returns its descriptor, which does not block; -1 if
   * none waits.
   */
  accept(fd: number): number {
    this.#peer.writeUInt32LE(SOCKADDR_BYTES, SOCKADDR_BYTES);
    const { length } = this.#peer;
    const accept = this.#accept as Transfer; // `prepareToAccept` has returned true
    return accept(fd, this.#peerAddress, this.#peerAddress + length - 4, SOCK_NONBLOCK_CLOEXEC);
  }

  /**
   * The IP address of the peer that {@link accept} has accepted last, as Node writes it. Undefined if it is not an IP
   * address, or if it is link-local (RFC 4291 section 2.5.6): Node adds the name of the link to such an address.
   */
  get acceptedFrom(): string | undefined {
    const peer = this.#peer;
    const family = peer.readUInt16LE(0);
    if (family === AF_INET6) {
      if ((peer.readUInt16BE(IPV6_AT) & 0xffc0) === 0xfe80) return undefined;
      return this.#textOf(family, peer.subarray(IPV6_AT, IPV6_AT + 16));
    }
    if (family !== AF_INET) return undefined;
    const ipv4 = peer.readUInt32LE(IPV4_AT);
    if (ipv4 !== this.#lastIpv4) {
      this.#lastIpv4 = ipv4;
      this.#lastIpv4Text = this.#textOf(family, peer.subarray(IPV4_AT, IPV4_AT + 4)) ?? '';
    }
    return this.#lastIpv4Text;
  }

  /** Whether {@link accept} has accepted last at a unix socket, where peers have no address. */
  get acceptedOnUnix(): boolean {
    return this.#peer.readUInt16LE(0) === AF_UNIX;
  }

  #textOf(family: number, address: Uint8Array): string | undefined {
    return this.#addressToText(family, address, new Uint8Array(ADDRESS_TEXT_BYTES), ADDRESS_TEXT_BYTES) ?? undefined;
  }

  /**
   * Copies bytes that have arrived at a socket to the beginning of `bytes`, and leaves them in the socket, to be read again.
   * @param bytes as for {@link send}.
   * @returns how many bytes there are, 0 at the end, or -1 if nothing can be read now.
   */
  peek(fd: number, bytes: Uint8Array): number {
    return this.#recv(fd, Number(this.#addressOf(bytes)), bytes.length, MSG_PEEK | MSG_DONTWAIT);
  }

  /** Reads up to `length` bytes that {@link peek} has found. @returns as `peek` does. */
  consume(fd: number, bytes: Uint8Array, length: number): number {
    return this.#recv(fd, Number(this.#addressOf(bytes)), length, MSG_DONTWAIT);
  }

  /**
   * Gives memory back to the system that nobody reads any more: all pages that lie wholly within `bytes`. Their contents are
   * lost. On Linux only; elsewhere nothing happens.
   * @param bytes as for {@link send}.
   */
  discard(bytes: Uint8Array): void {
    if (this.#advise === undefined) return;
    const address = Number(this.#addressOf(bytes));
    const start = Math.ceil(address / PAGE_BYTES) * PAGE_BYTES;
    const end = Math.floor((address + bytes.length) / PAGE_BYTES) * PAGE_BYTES;
    if (end > start) this.#advise(start, end - start, MADV_DONTNEED);
  }

  /**
   * Finds the TCP sockets whose peers have ended their side or are gone, even if bytes of theirs are still to be read. On Linux
   * only: elsewhere none is found, because an end is known only when all bytes have been read.
   * @returns the indexes of their descriptors in `fds`.
   */
  endedPeers(fds: readonly number[]): number[] {
    return this.#poll === undefined ? [] : this.#polled(this.#poll, fds, POLLRDHUP);
  }

  /**
   * Finds the sockets from which something can be read now: bytes, an end, or an error. Where the system cannot be asked, all are
   * found, because {@link peek} tells.
   * @returns the indexes of their descriptors in `fds`.
   */
  readable(fds: readonly number[]): number[] {
    return this.#poll === undefined ? [...fds.keys()] : this.#polled(this.#poll, fds, POLLIN);
  }

  /** The indexes of the descriptors of which one of some events is reported, or that are lost. */
  #polled(poll: Poll, fds: readonly number[], events: number): number[] {
    if (fds.length === 0) return [];
    const polled = Buffer.alloc(POLLFD_BYTES * fds.length);
    for (const [i, fd] of fds.entries()) {
      polled.writeInt32LE(fd, POLLFD_BYTES * i);
      polled.writeInt16LE(events, POLLFD_BYTES * i + EVENTS_AT);
    }
    if (poll(polled, fds.length, 0) <= 0) return [];
    const isFound = (i: number) =>
      (polled.readInt16LE(POLLFD_BYTES * i + REVENTS_AT) & (events | POLLHUP | POLLERR)) !== 0;
    return [...fds.keys()].filter(isFound);
  }

  /**
   * How many bytes of the output of a TCP socket its peer has not acknowledged. The number falls whenever the peer takes
   * something, long before a full socket has room again: on Linux that is when a third of its buffer is free. 0 where the system
   * does not say.
   */
  unacknowledgedBytes(fd: number): number {
    if (!IS_LINUX) return 0;
    return this.#ioctl(fd, SIOCOUTQ, 'int *', this.#int) === 0 ? (this.#int[0] as number) : 0;
  }
}

type Koffi = typeof import('koffi')['default'];

/**
 * Loads koffi, which takes about 8 ms in each thread. It is not imported at the top, because handler modules import this package
 * too, and so do programs that never listen.
 * @throws if koffi has no binary for this system.
 */
export async function loadSystemCalls(): Promise<SystemCalls> {
  const { default: koffi } = await import('koffi');
  return new SystemCalls(koffi);
}

/** Loads koffi as {@link loadSystemCalls} does. @returns undefined if koffi has no binary for this system. */
export async function trySystemCalls(): Promise<SystemCalls | undefined> {
  try {
    return await loadSystemCalls();
  } catch {
    return undefined; // the caller can do without
  }
}
