import type { Socket } from 'node:net';

/** fcntl(2): the lowest free descriptor for the same socket, closed in child processes. Its number differs by system. */
const F_DUPFD_CLOEXEC = process.platform === 'darwin' ? 67 : 1030;

/** Whether this system has descriptors that threads can hand to each other. */
export const hasDescriptors = process.platform !== 'win32';

/**
 * A second descriptor for the connection of a plain TCP socket: the socket can then be destroyed and the connection lives
 * on. -1 if there is none left, or if the socket has none (TLS, a closed one).
 */
export type DuplicateDescriptor = (socket: Socket) => number;

/**
 * Loads what it takes to duplicate descriptors, for which Node itself has no call. Not done by an import at the top: handler
 * modules import this package in every worker, which has no need of it.
 * @throws if koffi has no binary for this system.
 */
export async function loadDuplicateDescriptor(): Promise<DuplicateDescriptor> {
  const { default: koffi } = await import('koffi');
  // Declared as variadic, which it is: on arm64 macOS such arguments are passed differently.
  const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)');
  return (socket) => {
    const fd = descriptorOf(socket);
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 'int', 0);
  };
}

/** How many descriptors this process may have; Infinity where nothing says so. */
export function descriptorLimit(): number {
  Reflect.set(process.report, 'excludeNetwork', true); // it would ask the network for names
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft: unknown } };
  };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}

function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' ? fd : -1;
}
