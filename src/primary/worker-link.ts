import { closeSync, fstatSync } from 'node:fs';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import type { ConnectionInfo } from '../connection/connection-info.js';
import { Counter, Counters } from '../connection/counters.js';
import { shownModule } from '../host/handler-module.js';
import type { HostOptions } from '../host/host.js';
import type { ThrottledLog } from '../host/throttled-log.js';
import type { FromWorker, Offered, ToWorker, WorkerResult, WorkerTask } from '../worker/messages.js';
import { ThreadLedger } from '../pubsub/thread-ledger.js';
import { Ownership } from '../worker/ownership.js';
import { WorkerStartError } from './worker-start-error.js';

/** A connection that is to be hosted by a worker. */
export interface HandOff {
  readonly fd: number;
  readonly info: ConnectionInfo;
  readonly head: Uint8Array;
}

/** One that is on its way. */
interface Offer extends HandOff {
  readonly slot: number;
  /** What the kernel knows the socket by, while the number of its descriptor may come to be somebody else's. */
  readonly inode: number;
  /** When the worker was told. */
  offeredAt: number;
}

/** Offers that are posted at once: a storm of connections may keep the event loop in the phase that reads sockets. */
const MAX_UNSENT = 64;

/**
 * How much longer than the thread itself the primary waits for its start, in ms: the thread says why it does not start, and its clock
 * begins only when it runs, which takes more than a second on a machine that is busy.
 */
const START_GRACE_MS = 5000;

/** How long the closing of a dead worker's port is waited for, in ms. */
const PORT_CLOSE_MS = 1000;
/** After so long, in ms, a thread that has ended has closed all that it had, whether its port has said so or not. */
const LATE_RECLAIM_MS = 10_000;

/**
 * The primary's end of one worker: what it has been offered, and how it ended. A worker that dies is replaced by a new one
 * with a link of its own.
 */
export class WorkerLink {
  readonly counters = new Counters();
  readonly ledger = new ThreadLedger();
  /** Resolves with the kernel's name when the worker can host. Never rejects. */
  readonly ready: Promise<string>;
  /** Settles when the worker's task does, and nothing can be taken by it any more; rejects if the thread died,
   * with a {@link WorkerStartError} if it could not start. */
  readonly ended: Promise<WorkerResult>;
  isReady = false;
  /** All that the thread had is closed. */
  #isGone = false;
  /** Why it could not start. */
  #unfit: WorkerStartError | undefined;

  readonly #ownership = new Ownership();
  /** Ends the thread. */
  readonly #killed = new AbortController();
  readonly #port: MessagePort;
  /** In the order of offering, which is the order of taking. */
  #offers: Offer[] = [];
  /** Offers that the worker is still to be told of. */
  #unsent: Offer[] = [];
  /** Offers ever made less those revoked. */
  #offered = 0;
  /** The slot of the last offer that was revoked and that the worker has not seen yet, as far as is known. */
  #unseenSlot: number | undefined;

  /** Connections that it was given and that are not over, if anybody wants to know. */
  readonly #ids = new Set<number>();
  readonly #onClosed: ((id: number) => void) | undefined;

  /** @param onClosed is told the id of each connection that is over, also by the worker's end. */
  constructor(
    pool: Piscina,
    handler: string,
    options: HostOptions,
    log: ThrottledLog,
    onClosed: ((id: number) => void) | undefined,
    startTimeoutMs: number,
  ) {
    this.#onClosed = onClosed;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const task: WorkerTask = {
      port: port2,
      handler,
      startTimeoutMs,
      options,
      counters: this.counters.buffer,
      ledger: this.ledger.buffer,
      ownership: this.#ownership.buffer,
      reportsClosed: onClosed !== undefined,
    };
    this.ready = new Promise((resolve) => {
      port1.on('message', (message: FromWorker) => {
        if (message.type === 'log') log.add(message.report);
        else if (message.type === 'closed') this.#close(message.ids);
        else if (message.type === 'unfit') this.#unfit = new WorkerStartError(message.code, message.message);
        else {
          this.isReady = true;
          resolve(message.kernel);
        }
      });
    });
    const portClosed = new Promise<void>((resolve) => port1.once('close', () => resolve()));
    port1.unref(); // the pool keeps the process alive, the port does not
    this.ended = this.#end(pool.run(task, { transferList: [port2], signal: this.#killed.signal }), portClosed);
    this.#limitStart(handler, startTimeoutMs);
  }

  /** A module whose top-level await does not settle is noticed in the thread, but not one that keeps the thread busy. */
  #limitStart(handler: string, startTimeoutMs: number): void {
    const timer = setTimeout(() => {
      const limit = `within ${startTimeoutMs / 1000} s`;
      this.#unfit ??= new WorkerStartError(
        'WSLOOM_WORKER',
        `a worker did not start ${limit}, with ${shownModule(handler)}`,
      );
      this.#killed.abort();
    }, startTimeoutMs + START_GRACE_MS);
    const settled = () => clearTimeout(timer);
    void this.ready.then(settled);
    this.ended.then(settled, settled);
  }

  /** Connections that are the worker's, or on their way to it, but for those that are closing. */
  get load(): number {
    const { counters } = this;
    const over = counters.get(Counter.OPENED) - counters.get(Counter.CONNECTIONS) + counters.get(Counter.CLOSING);
    return this.#offered - over;
  }

  /** Offers a connection. False if too many are on their way, and nothing was done. */
  offer(handOff: HandOff): boolean {
    this.#forgetSettled();
    const slot = this.#ownership.offer();
    if (slot < 0) {
      this.#sendOffers();
      return false;
    }
    const { fd, info, head } = handOff;
    const offer: Offer = { fd, info, head, slot, inode: inodeOf(fd), offeredAt: Number.POSITIVE_INFINITY };
    this.#offers.push(offer);
    this.#offered++;
    this.ledger.noteOffered();
    if (this.#onClosed !== undefined) this.#ids.add(info.id);
    const unsent = this.#unsent.push(offer);
    if (unsent === 1) setImmediate(() => this.#sendOffers());
    else if (unsent === MAX_UNSENT) this.#sendOffers();
    return true;
  }

  /** All of a turn in one message: one alone costs a third of what an upgrade costs. */
  #sendOffers(): void {
    if (this.#unsent.length === 0) return;
    const now = performance.now();
    const offers = this.#unsent.map((offer): Offered => {
      offer.offeredAt = now;
      const { slot, fd, info, head } = offer;
      return { slot, fd, info, head };
    });
    this.#unsent = [];
    this.#port.postMessage({ type: 'hand-offs', offers } satisfies ToWorker);
  }

  /** Whether something was offered more than `timeoutMs` ago and has no socket, or was revoked and is not seen. */
  isStuck(timeoutMs: number): boolean {
    if (this.#unseenSlot !== undefined) {
      if (this.#ownership.isUnseen(this.#unseenSlot)) return true;
      this.#unseenSlot = undefined;
    }
    this.#forgetSettled();
    const oldest = this.#offers[0];
    return oldest !== undefined && performance.now() - oldest.offeredAt > timeoutMs;
  }

  /** Takes back what the worker has not taken. The descriptors are the caller's. */
  revokeOffers(): HandOff[] {
    const revoked: Offer[] = [];
    const left: Offer[] = [];
    for (const offer of this.#offers) (this.#ownership.revoke(offer.slot) ? revoked : left).push(offer);
    this.#offers = left;
    this.#unseenSlot = revoked.at(-1)?.slot ?? this.#unseenSlot;
    this.#forget(revoked);
    return revoked;
  }

  /**
   * Takes back what the worker, which is dead, has not opened a socket on: also what it had taken. The descriptors are the
   * caller's. To be called when all that the thread had is closed, and before its number can be offered to anybody else.
   */
  reclaim(): HandOff[] {
    const revoked = this.revokeOffers();
    // What it had in a socket was closed with the thread: then the number is nobody's, or somebody else's.
    const unsettled = this.#offers.filter(({ slot }) => !this.#ownership.isSettled(slot));
    this.#offers = [];
    if (!this.#isGone) {
      // Its sockets may still be about to be closed: to close one of them, too, would close somebody else's.
      setTimeout(() => abandon(unsettled.filter(isStillOpen)), LATE_RECLAIM_MS).unref();
      return revoked;
    }
    const taken = unsettled.filter(isStillOpen);
    this.#forget(taken);
    return [...taken, ...revoked];
  }

  #forget(handOffs: readonly HandOff[]): void {
    this.#offered -= handOffs.length;
    for (const { info } of handOffs) {
      this.#ids.delete(info.id);
      this.ledger.noteSettled(); // taken back
    }
  }

  /** Lets the two workers exchange publications. */
  connect(other: WorkerLink): void {
    const { port1, port2 } = new MessageChannel();
    this.connectPort(port1, other.ledger);
    other.connectPort(port2, this.ledger);
  }

  /** @param ledger of the thread at the other end. */
  connectPort(port: MessagePort, { buffer }: ThreadLedger): void {
    this.#tell({ type: 'peer', port, ledger: buffer }, [port]);
  }

  drain(limitMs: number): void {
    this.#tell({ type: 'drain', limitMs });
  }

  /** The worker is gone, and with it all that it had. To be called when its offers are revoked. */
  closeAll(): void {
    this.#close([...this.#ids]);
  }

  #close(ids: readonly number[]): void {
    for (const id of ids) if (this.#ids.delete(id)) this.#onClosed?.(id);
  }

  #tell(message: ToWorker, transfer: MessagePort[] = []): void {
    this.#sendOffers();
    this.#port.postMessage(message, transfer);
  }

  /** Settled offers are forgotten in their order, and only then are their slots used again. */
  #forgetSettled(): void {
    let settled = 0;
    for (; settled < this.#offers.length; settled++) {
      const { slot } = this.#offers[settled] as Offer; // below the length
      if (!this.#ownership.isSettled(slot)) break;
      this.#ownership.release(slot);
    }
    if (settled > 0) this.#offers.splice(0, settled);
  }

  async #end(task: Promise<WorkerResult>, portClosed: Promise<void>): Promise<WorkerResult> {
    const [settled] = await Promise.allSettled([task]);
    this.isReady = false;
    // Which of the two comes first differs by engine; after both, the thread takes nothing any more, and has said all.
    let timer: NodeJS.Timeout | undefined;
    this.#isGone = await Promise.race([
      portClosed.then(() => true),
      new Promise<boolean>((resolve) => (timer = setTimeout(resolve, PORT_CLOSE_MS, false))),
    ]);
    clearTimeout(timer);
    this.#port.close();
    if (settled.status === 'fulfilled') return settled.value;
    throw this.#unfit ?? settled.reason;
  }
}

/** @returns -1 if the number is nobody's, or not a socket's */
function inodeOf(fd: number): number {
  try {
    const stats = fstatSync(fd);
    return stats.isSocket() ? stats.ino : -1;
  } catch {
    return -1; // EBADF: it is closed
  }
}

function isStillOpen({ fd, inode }: Offer): boolean {
  return inode >= 0 && inodeOf(fd) === inode;
}

/** Closes the descriptors of connections that nobody can host. Does not throw: one that is none keeps nobody from the others. */
export function abandon(handOffs: readonly HandOff[]): void {
  for (const { fd } of handOffs) {
    try {
      closeSync(fd);
    } catch {
      // EBADF: there is nothing to be closed.
    }
  }
}
