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

/** The interval at which it is checked whether clients are still there, in ms. */
const CHECK_MS = 100;

/**
 * The clients whose `upgrade` hook has not settled. A timer finds those that leave: the end of an ordinary client is not seen by
 * reading, because the bytes that it has sent before are kept unread. A client that leaves gives its place back at once. The
 * bytes that it has sent are still answered if the hook accepts it. The hook runs on, and {@link OrphanedHooks} bounds how many
 * do.
 */
export class Undecided {
  readonly #timeoutMs: number;
  readonly #calls: SystemCalls | undefined;
  readonly #orphans: OrphanedHooks;
  /** The sockets of these clients, and the function to call when one leaves. */
  readonly #sockets = new Map<UpgradeSocket, () => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UndecidedOptions, calls: SystemCalls | undefined) {
    this.#timeoutMs = options.handshakeTimeoutMs;
    this.#calls = calls;
    this.#orphans = new OrphanedHooks(options.maxConnections, options.maxConnectionsPerIp);
  }

  /** Whether no more hooks may start for clients of this address: see {@link OrphanedHooks}. */
  isFull(remoteAddress: string | undefined): boolean {
    return this.#orphans.isFull(networkOf(remoteAddress ?? ''));
  }

  /**
   * @param onLeft is called once, if the client leaves before the hook has settled.
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
      if (!this.#sockets.delete(socket)) return; // the client had ended its side before
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
