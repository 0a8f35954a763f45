import type { Socket } from 'node:net';

/** Resolves with the event. Unlike `once` it does not reject when the socket has an error first, as after a reset: 'close' follows. */
export function happened(socket: Socket, event: 'connect' | 'readable' | 'close'): Promise<void> {
  return new Promise((resolve) => socket.once(event, () => resolve()));
}
