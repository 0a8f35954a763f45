import type { Server, Socket } from 'node:net';

/** Whether this system has descriptors that threads can hand to each other. */
export const hasDescriptors = process.platform !== 'win32';

/** How many descriptors this process may have; Infinity where the system does not say. */
export function descriptorLimit(): number {
  Reflect.set(process.report, 'excludeNetwork', true); // otherwise the report would ask the network for names
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft: unknown } };
  };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}

/**
 * The descriptor of a socket, or of a server that listens; -1 if it has none, because it is closed or no socket. That of a TLS socket is
 * the one of its TCP connection: the system can be asked about it, and nothing may be read from it or written to it.
 */
export function descriptorOf(socket: Socket | Server): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' ? fd : -1;
}
