import type { KoffiFunc } from 'koffi';

const IS_DARWIN = process.platform === 'darwin';

/** fcntl(2): the lowest free descriptor for the same socket, closed in child processes. Its number differs by system. */
const F_DUPFD_CLOEXEC = IS_DARWIN ? 67 : 1030;

/** send(2): neither wait for room, nor be told by a signal that the peer is gone (Node ignores it, where it cannot be asked for). */
const SEND_FLAGS = IS_DARWIN ? 0x80 : 0x4040;

/** tcp(7): what was written to a socket and not acknowledged by its peer, in bytes, as an int. Linux has it. */
const SIOCOUTQ = 0x5411;

/** The most that one call takes on Linux, in bytes. */
const MAX_SEND_BYTES = 0x7fff_f000;

type Fcntl = (fd: number, command: number, type: 'int', value: number) => number;
type Ioctl = (fd: number, request: number, type: 'int *', value: Int32Array) => number;
type Send = (fd: number, address: number, length: number, flags: number) => number;

/** What {@link SystemCalls.send} returns when the kernel takes nothing now, and when the peer is gone. */
export const NO_ROOM = -1;
export const GONE = -2;

/**
 * Calls of the system that Node lacks, or that cost more through Node, by koffi. Each thread has its own; they cost about
 * 50 ns beside what the system itself takes.
 */
export class SystemCalls {
  readonly #fcntl: Fcntl;
  readonly #ioctl: Ioctl;
  readonly #send: Send;
  readonly #addressOf: (bytes: Uint8Array) => bigint;
  readonly #lastError: () => number;
  readonly #tryAgain: number;
  readonly #int = new Int32Array(1);
  /**
   * The memory that was last sent from, which this keeps, and where it is: to ask takes 90 ns, and it is nearly always the
   * same. (A WeakRef to it would cost more: each look makes the engine note that it must stay for now.)
   */
  #memory: Uint8Array | undefined;
  #address = 0;

  /** @internal Use {@link loadSystemCalls}. */
  constructor(koffi: Koffi) {
    const system = koffi.load(null);
    // Declared as variadic, which they are: on arm64 macOS such arguments are passed differently.
    this.#fcntl = system.func('int fcntl(int fd, int command, ...)') as unknown as Fcntl;
    this.#ioctl = system.func('int ioctl(int fd, unsigned long request, ...)') as unknown as Ioctl;
    this.#send = system.func('intptr_t send(int fd, uintptr_t bytes, size_t length, int flags)') as KoffiFunc<Send>;
    this.#addressOf = (bytes) => koffi.address(bytes);
    this.#lastError = () => koffi.errno();
    const { EAGAIN } = koffi.os.errno as { readonly EAGAIN: number }; // every system has it
    this.#tryAgain = EAGAIN;
  }

  /** A second descriptor of what `fd` is one of; -1 if there is none left, or nothing open. */
  duplicate(fd: number): number {
    return this.#fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0);
  }

  /**
   * Gives `[start, end)` of `bytes` to a connected socket, as far as the kernel takes it now. At 20 bytes a message, and one
   * in flight, a server that does nothing else is 1.15 times as fast as with `fs.writeSync`.
   *
   * @param bytes memory that cannot move: of a WebAssembly memory, a SharedArrayBuffer, or more than 64 bytes long.
   * @returns how many bytes it has taken, or {@link NO_ROOM} or {@link GONE}.
   * @throws RangeError if the range is not within `bytes`: what lies beside it is somebody else's.
   */
  send(fd: number, bytes: Uint8Array, start: number, end: number): number {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new RangeError(`cannot send bytes ${start} to ${end} of ${bytes.length}`);
    }
    if (this.#memory !== bytes) {
      this.#memory = bytes;
      this.#address = Number(this.#addressOf(bytes));
    }
    const sent = this.#send(fd, this.#address + start, Math.min(end - start, MAX_SEND_BYTES), SEND_FLAGS);
    if (sent >= 0) return sent;
    return this.#lastError() === this.#tryAgain ? NO_ROOM : GONE;
  }

  /**
   * What the kernel still holds of the output of a TCP socket, in bytes. It falls as the peer takes it, long before a socket
   * whose buffer is full has room again: on Linux that is when a third of it is free. 0 where that cannot be known.
   */
  unacknowledgedBytes(fd: number): number {
    if (IS_DARWIN) return 0;
    return this.#ioctl(fd, SIOCOUTQ, 'int *', this.#int) === 0 ? (this.#int[0] as number) : 0;
  }
}

type Koffi = typeof import('koffi')['default'];

/**
 * Loads koffi, which takes about 8 ms in each thread. Not done by an import at the top: handler modules import this package,
 * and so may programs that never listen.
 * @throws if koffi has no binary for this system.
 */
export async function loadSystemCalls(): Promise<SystemCalls> {
  const { default: koffi } = await import('koffi');
  return new SystemCalls(koffi);
}
