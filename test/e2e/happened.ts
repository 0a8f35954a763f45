import type { Socket } from 'node:net';

/** Resolves with the event. Unlike `once` it does not reject if the socket has an error first, for example after a reset. */
export function happened(socket: Socket, event: 'connect' | 'readable' | 'close'): Promise<void> {
  return new Promise((resolve) => socket.once(event, () => resolve()));
}
