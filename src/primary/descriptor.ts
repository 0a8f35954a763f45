import type { Socket } from 'node:net';
import koffi from 'koffi';

/** fcntl(2): the lowest free descriptor for the same socket, closed in child processes. Its number differs by system. */
const F_DUPFD_CLOEXEC = process.platform === 'darwin' ? 67 : 1030;

type Fcntl = (fd: number, command: number, type: 'int', argument: number) => number;

let fcntl: Fcntl | undefined;

/** Whether this system has descriptors that threads can hand to each other. */
export const hasDescriptors = process.platform !== 'win32';

/**
 * A second descriptor for the connection of a socket: the socket can then be destroyed and the connection lives on. Node
 * itself has no call for that.
 * @returns -1 if there is none left, or if the socket has none (TLS, a stream that is not a socket, a closed one).
 */
export function duplicateDescriptor(socket: Socket): number {
  const fd = descriptorOf(socket);
  if (fd < 0) return -1;
  // Declared as variadic, which it is: on arm64 macOS such arguments are passed differently.
  fcntl ??= koffi.load(null).func('int fcntl(int fd, int command, ...)') as Fcntl;
  return fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0);
}

/** The descriptor that a plain TCP socket has in this process, else -1. */
export function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = handle === null || handle === undefined ? undefined : Reflect.get(Object(handle), 'fd');
  return typeof fd === 'number' ? fd : -1;
}
