import type { Socket } from 'node:net';
import { descriptorOf } from '../system/descriptor.js';
import type { SystemCalls } from '../system/system-calls.js';
import type { UpgradeSocket } from './upgrade-socket.js';

/** The interval at which it is checked whether clients are still there, in ms. */
const CHECK_MS = 100;

/**
 * Finds clients that leave while they wait for an answer. The end of an ordinary client is not seen by reading, because the bytes
 * that it has sent before are kept unread. So a timer asks the system about all of them.
 */
export class Departures {
  readonly #calls: SystemCalls | undefined;
  /** The sockets of the clients that are there, and the function to call when one leaves. */
  readonly #sockets = new Map<UpgradeSocket, () => void>();
  #timer: NodeJS.Timeout | undefined;

  /** @param calls undefined on systems without koffi: then only the loss of a connection is noticed. */
  constructor(calls: SystemCalls | undefined) {
    this.#calls = calls;
  }

  /**
   * @param onLeft is called once, if the client leaves, or has closed its side only.
   * @returns a function that ends the watch.
   */
  watch(socket: UpgradeSocket, onLeft: () => void): () => void {
    const leave = () => {
      if (this.#sockets.delete(socket)) onLeft(); // otherwise the client had closed its side before
    };
    socket.stream.once('close', leave);
    this.#sockets.set(socket, leave);
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref();
    return () => {
      socket.stream.off('close', leave);
      this.#sockets.delete(socket);
    };
  }

  #check(): void {
    const fds: number[] = [];
    const leaves: (() => void)[] = [];
    for (const [socket, leave] of this.#sockets) {
      const fd = descriptorOf(socket.stream as Socket); // a stream of the application has none
      if (fd < 0) continue;
      fds.push(fd);
      leaves.push(leave);
    }
    for (const place of this.#calls?.endedPeers(fds) ?? []) leaves[place]?.();
    if (this.#sockets.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
