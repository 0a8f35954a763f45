import type { Socket } from 'node:net';
import { descriptorOf } from '../system/descriptor.js';
import type { SystemCalls } from '../system/system-calls.js';
import { networkOf } from './network.js';
import { OrphanedHooks } from './orphaned-hooks.js';
import type { UpgradeSocket } from './upgrade-socket.js';

export interface UndecidedOptions {
  readonly handshakeTimeoutMs: number;
  readonly maxConnections: number;
  /** 0: no limit. */
  readonly maxConnectionsPerIp: number;
}

/** How often clients are asked whether they are still there, in ms. */
const CHECK_MS = 100;

/**
 * Clients whose `upgrade` hook has not settled. Learns of it when one leaves: a client that closes in the ordinary way cannot be read to
 * its end, because what it has sent before is kept. Its place is free from then on, although what it has sent is answered if the hook
 * accepts. The hook runs on, and there is a bound for such hooks.
 */
export class Undecided {
  readonly #timeoutMs: number;
  readonly #calls: SystemCalls | undefined;
  readonly #orphans: OrphanedHooks;
  /** Their sockets, and what is to be done when they leave. */
  readonly #sockets = new Map<UpgradeSocket, () => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UndecidedOptions, calls: SystemCalls | undefined) {
    this.#timeoutMs = options.handshakeTimeoutMs;
    this.#calls = calls;
    this.#orphans = new OrphanedHooks(options.maxConnections, options.maxConnectionsPerIp);
  }

  /** Whether no more hooks are to run for clients of this address: see {@link OrphanedHooks}. */
  isFull(remoteAddress: string | undefined): boolean {
    return this.#orphans.isFull(networkOf(remoteAddress ?? ''));
  }

  /**
   * @param onLeft is called once, if the client leaves before.
   * @returns a function to be called when the hook has settled.
   */
  add(socket: UpgradeSocket, onLeft: () => void): () => void {
    const network = networkOf(socket.remoteAddress ?? '');
    const since = performance.now();
    let orphaned: NodeJS.Timeout | undefined;
    const settled = () => {
      clearTimeout(orphaned);
      if (orphaned !== undefined) this.#orphans.remove(network);
      orphaned = undefined;
    };
    const leave = () => {
      if (!this.#sockets.delete(socket)) return; // it had ended its side before
      onLeft();
      this.#orphans.add(network);
      // A hook that never settles is counted as long as its client would have waited.
      const leftMs = Math.max(0, this.#timeoutMs - (performance.now() - since));
      orphaned = setTimeout(settled, leftMs).unref();
    };
    socket.stream.once('close', leave);
    this.#sockets.set(socket, leave);
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref();
    return () => {
      socket.stream.off('close', leave);
      this.#sockets.delete(socket);
      settled();
    };
  }

  #check(): void {
    const fds: number[] = [];
    const leaves: (() => void)[] = [];
    for (const [socket, leave] of this.#sockets) {
      const fd = socket.isPlain ? descriptorOf(socket.stream as Socket) : -1;
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
