import { closeSync, fstatSync } from 'node:fs';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { releaseWindows, type WindowMemory } from '../compression/window-memory.js';
import type { BackplaneState } from '../connection/handler.js';
import { type HandOff, isUntouched } from '../host/hand-off.js';
import type { HostOptions } from '../host/host.js';
import { shownModule } from '../host/module-url.js';
import type { MetricsFormat } from '../monitor/metrics-format.js';
import type { Health } from '../monitor/routes.js';
import { agreementOf } from '../protocol/deflate/agreement.js';
import { ThreadLedger } from '../pubsub/thread-ledger.js';
import { sharedClockMs } from '../system/shared-clock.js';
import { Counter, Counters } from '../telemetry/counters.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';
import type { TlsMaterial } from '../tls/tls-material.js';
import type {
  FromWorker,
  Offer,
  ToWorker,
  WorkerOpeningOptions,
  WorkerResult,
  WorkerTask,
} from '../worker/messages.js';
import { Ownership } from '../worker/ownership.js';
import type { ToldClient, ToldClientJudgment, ToldClients } from './told-clients.js';
import { WorkerStartError } from './worker-start-error.js';

/** An offer, with notes of the primary. */
type NotedOffer = Offer & {
  /** The inode of the socket. The number of the descriptor may later be that of another file. */
  readonly inode: number;
  /** When the offer was posted to the worker. */
  offeredAt: number;
};

/** So many offers are posted at once, because a storm of connections may keep the event loop in the phase that reads sockets. */
const MAX_UNSENT = 64;

/**
 * How much longer than the thread itself the primary waits for the start, in ms. The thread can say why it does not start, and
 * its clock begins only when it runs, which may take more than a second on a busy machine.
 */
const START_GRACE_MS = 5000;

/** How long to wait for the port of a dead worker to be closed, in ms. */
const PORT_CLOSE_MS = 1000;
/** After this time, in ms, a thread that has ended has closed everything that it had, even if its port did not say so. */
const LATE_RECLAIM_MS = 10_000;

export interface WorkerLinkOptions {
  /** What the metrics call the worker: `worker 1`. */
  readonly name: string;
  /** The pool that has a thread for the task of the worker. */
  readonly pool: Pick<Piscina, 'run'>;
  /** The URL of the handler module. */
  readonly handler: string;
  readonly host: HostOptions;
  /** What the worker needs for the opening handshake; undefined if the primary does all opening handshakes. */
  readonly opening: WorkerOpeningOptions | undefined;
  /** The health of the server, for clients that ask the worker. */
  readonly health: () => Health;
  /** The metrics of the server, for clients that ask the worker. */
  readonly metrics: (format: MetricsFormat) => string;
  /** Counts the clients of proxies, whose requests the worker reads. */
  readonly toldClients: ToldClients;
  readonly log: ThrottledLog;
  /**
   * Called with the id of each connection that is not open any more, also when the worker has died; undefined if nobody needs to
   * know.
   */
  readonly onNoLongerOpen: ((id: number) => void) | undefined;
  /** Called with topics that have subscribers in the worker now, and with those that have none any more; undefined if nobody needs to know. */
  readonly onTopics: ((joined: readonly string[], left: readonly string[]) => void) | undefined;
  /** The longest time for the start of a worker, in ms. After that the worker is ended. */
  readonly startTimeoutMs: number;
}

/**
 * The primary's side of one worker: its start, the connections that it is offered, and its end. A worker that dies is replaced by
 * a new one with a link of its own.
 */
export class WorkerLink {
  readonly name: string;
  readonly counters = new Counters();
  readonly ledger = new ThreadLedger();
  /** Resolves with the name of the kernel when the worker can host. It never rejects. */
  readonly ready: Promise<string>;
  /**
   * Settles when the task of the worker is over, and the worker can take no more offers. It rejects if the thread died; with a
   * {@link WorkerStartError} if it could not start.
   */
  readonly ended: Promise<WorkerResult>;
  isReady = false;
  /** Whether everything that the thread had is closed. */
  #isGone = false;
  /** Why the worker could not start. */
  #unfit: WorkerStartError | undefined;

  readonly #ownership = new Ownership();
  /** Ends the thread. */
  readonly #killed = new AbortController();
  readonly #port: MessagePort;
  /** The offers that are not settled, in the order in which they were made and are taken. */
  #offers: NotedOffer[] = [];
  /** The offers that are not posted to the worker yet. */
  #unsent: NotedOffer[] = [];
  /** When the first of these was made, by the clock that all threads share. */
  #unsentSinceMs = 0;
  /** The number of all offers so far, without those that were revoked. */
  #offered = 0;
  /** The slot of the last offer that was revoked, until the worker is known to have seen it. */
  #unseenSlot: number | undefined;

  /** The ids of the connections that the worker was offered and that are open. Kept only if `#onNoLongerOpen` is called with them. */
  readonly #ids = new Set<number>();
  readonly #onNoLongerOpen: ((id: number) => void) | undefined;
  readonly #windows: WindowMemory | undefined;

  constructor({
    name,
    pool,
    handler,
    host: options,
    opening,
    health,
    metrics,
    toldClients,
    log,
    onNoLongerOpen,
    onTopics,
    startTimeoutMs,
  }: WorkerLinkOptions) {
    this.name = name;
    this.#onNoLongerOpen = onNoLongerOpen;
    this.#windows = options.windows;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const task: WorkerTask = {
      port: port2,
      handler,
      startTimeoutMs,
      options,
      opening,
      counters: this.counters.buffer,
      ledger: this.ledger.buffer,
      ownership: this.#ownership.buffer,
      reportsClosed: onNoLongerOpen !== undefined,
      reportsTopics: onTopics !== undefined,
    };
    this.ready = new Promise((resolve) => {
      port1.on('message', (message: FromWorker) => {
        if (message.type === 'log') log.add(message.report);
        else if (message.type === 'closed') this.#close(message.ids);
        else if (message.type === 'topics') {
          onTopics?.(message.joined, message.left);
          this.#post({ type: 'topics-taken' });
        } else if (message.type === 'health') this.#post({ type: 'health', health: health() });
        else if (message.type === 'metrics') this.#post({ type: 'metrics', text: metrics(message.format) });
        else if (message.type === 'client') toldClients.judge(message, this.#judgmentOf(message));
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

  /**
   * Ends the worker if it does not start in time. The thread itself notices a module whose top-level await does not settle, but
   * not a module that keeps the thread busy.
   */
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

  /** How many connections are open in the worker, or on their way to it. */
  get load(): number {
    const { counters } = this;
    const open = counters.get(Counter.CONNECTIONS) - counters.get(Counter.CLOSING);
    const over = counters.get(Counter.OPENED) + counters.get(Counter.UNHOSTED) + counters.get(Counter.UNOPENED) - open;
    return this.#offered - over;
  }

  /** Offers a connection to the worker. @returns false if too many are on their way; then the connection is not offered. */
  offer(handOff: HandOff): boolean {
    this.#forgetSettled();
    const slot = this.#ownership.offer();
    if (slot < 0) {
      this.#sendOffers();
      return false;
    }
    const { fd, info, head } = handOff;
    const offer = { slot, fd, info, head, inode: inodeOf(fd), offeredAt: Number.POSITIVE_INFINITY } as NotedOffer;
    this.#offers.push(offer);
    this.#offered++;
    if (!isUntouched(handOff)) this.ledger.noteOffered(); // the client of any other has no 101 yet
    if (this.#onNoLongerOpen !== undefined) this.#ids.add(info.id);
    const unsent = this.#unsent.push(offer);
    if (unsent === 1) {
      this.#unsentSinceMs = sharedClockMs();
      setImmediate(() => this.#sendOffers());
    } else if (unsent === MAX_UNSENT) this.#sendOffers();
    return true;
  }

  /** Posts all offers of a turn in one message: a message for each would cost a third of an upgrade. */
  #sendOffers(): void {
    if (this.#unsent.length === 0) return;
    const now = performance.now();
    const offers = this.#unsent.map((offer): Offer => {
      offer.offeredAt = now;
      const { slot, fd, info, head } = offer;
      return { slot, fd, info, head } as Offer; // flat: an object more in it costs 3 % of opening a connection
    });
    this.#unsent = [];
    this.#port.postMessage({ type: 'hand-offs', offers, sinceMs: this.#unsentSinceMs } satisfies ToWorker);
  }

  /**
   * Whether the worker is stuck: an offer is older than `timeoutMs` and has no socket, or the worker has not seen that an offer
   * was revoked.
   */
  isStuck(timeoutMs: number): boolean {
    if (this.#unseenSlot !== undefined) {
      if (this.#ownership.isUnseen(this.#unseenSlot)) return true;
      this.#unseenSlot = undefined;
    }
    this.#forgetSettled();
    const oldest = this.#offers[0];
    return oldest !== undefined && performance.now() - oldest.offeredAt > timeoutMs;
  }

  /** Takes back all offers that the worker has not taken. The caller owns their descriptors from now on. */
  revokeOffers(): HandOff[] {
    const revoked: NotedOffer[] = [];
    const left: NotedOffer[] = [];
    for (const offer of this.#offers) (this.#ownership.revoke(offer.slot) ? revoked : left).push(offer);
    this.#offers = left;
    this.#unseenSlot = revoked.at(-1)?.slot ?? this.#unseenSlot;
    return this.#forget(revoked);
  }

  /**
   * Takes back all offers of a dead worker on which it has opened no socket, also those that it had taken. The caller owns their
   * descriptors from now on. Call this when everything that the thread had is closed, and before the number of such a descriptor
   * can be offered again.
   */
  reclaim(): HandOff[] {
    const revoked = this.revokeOffers();
    // A descriptor that was in a socket was closed with the thread: its number is free, or is that of another file. The thread has
    // counted the windows of that connection.
    const unsettled = this.#offers.filter(({ slot }) => !this.#ownership.isSettled(slot));
    this.#offers = [];
    if (!this.#isGone) {
      // The thread may not have closed its sockets yet, and a number that is closed twice may be that of another file by then.
      setTimeout(() => abandon(unsettled.filter(isStillOpen), this.#windows), LATE_RECLAIM_MS).unref();
      return revoked;
    }
    return [...this.#forget(unsettled.filter(isStillOpen)), ...revoked];
  }

  /** Forgets offers that the worker does not own any more. */
  #forget(offers: readonly NotedOffer[]): HandOff[] {
    this.#offered -= offers.length;
    return offers.map((offer) => {
      const { fd, info, head } = offer;
      this.#ids.delete(info.id);
      if (!isUntouched(offer)) this.ledger.noteSettled(); // taken back
      return { fd, info, head } as HandOff;
    });
  }

  #judgmentOf({ id }: ToldClient): ToldClientJudgment {
    return {
      isThere: () => this.#ids.has(id),
      answer: (refusal) => this.#post({ type: 'client', id, refusal }),
    };
  }

  /** Lets the two workers exchange publications. */
  connect(other: WorkerLink): void {
    const { port1, port2 } = new MessageChannel();
    this.connectPort(port1, other.ledger);
    other.connectPort(port2, this.ledger);
  }

  /** @param ledger the ledger of the thread at the other end. */
  connectPort(port: MessagePort, { buffer }: ThreadLedger): void {
    this.#post({ type: 'peer', port, ledger: buffer }, [port]);
  }

  /** Gives the worker certificates, keys and rules to use from now on. */
  useTls(material: TlsMaterial): void {
    this.#post({ type: 'tls', material });
  }

  /** @param host the address that the server listens on. */
  noteListening(host: string): void {
    this.#post({ type: 'listening', host });
  }

  /** Calls the hook `backplane` in the worker. */
  reportBackplane(state: BackplaneState): void {
    this.#post({ type: 'backplane', state });
  }

  /** See {@link Host.drain}. */
  drain(limitMs: number, spreadMs: number): void {
    this.#post({ type: 'drain', limitMs, spreadMs });
  }

  /** Reports all connections of the worker as over, because the worker is gone. Call this after its offers were revoked. */
  closeAll(): void {
    this.#close([...this.#ids]);
  }

  #close(ids: readonly number[]): void {
    for (const id of ids) if (this.#ids.delete(id)) this.#onNoLongerOpen?.(id);
  }

  #post(message: ToWorker, transfer: MessagePort[] = []): void {
    this.#sendOffers();
    this.#port.postMessage(message, transfer);
  }

  /** Forgets the settled offers at the front. Only then are their slots used again. */
  #forgetSettled(): void {
    let settled = 0;
    for (; settled < this.#offers.length; settled++) {
      const { slot } = this.#offers[settled] as NotedOffer; // below the length
      if (!this.#ownership.isSettled(slot)) break;
      this.#ownership.release(slot);
    }
    if (settled > 0) this.#offers.splice(0, settled);
  }

  async #end(task: Promise<WorkerResult>, portClosed: Promise<void>): Promise<WorkerResult> {
    const [settled] = await Promise.allSettled([task]);
    this.isReady = false;
    // Which of the two ends comes first differs by engine. After both, the thread takes no more offers and sends no more
    // messages.
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

/** The inode of a socket; -1 if the descriptor is not open, or is no socket. */
function inodeOf(fd: number): number {
  try {
    const stats = fstatSync(fd);
    return stats.isSocket() ? stats.ino : -1;
  } catch {
    return -1; // EBADF: it is closed
  }
}

function isStillOpen({ fd, inode }: NotedOffer): boolean {
  return inode >= 0 && inodeOf(fd) === inode;
}

/**
 * Closes the descriptors of connections that no thread can host, and releases what was reserved for them. It does not throw, so that a
 * descriptor that is not open does not keep the others open.
 */
export function abandon(handOffs: readonly HandOff[], windows?: WindowMemory): void {
  for (const handOff of handOffs) {
    releaseWindowsOf(handOff, windows);
    try {
      closeSync(handOff.fd);
    } catch {
      // EBADF: there is nothing to be closed.
    }
  }
}

function releaseWindowsOf(handOff: HandOff, windows: WindowMemory | undefined): void {
  if (isUntouched(handOff)) return;
  const { deflate } = handOff.info;
  if (deflate !== undefined) releaseWindows(windows, agreementOf(deflate));
}
