import type { MessagePort } from 'node:worker_threads';
import { type Batch, chunksOf, decodeBatch, encodeBatch, leastOverhead } from './batch.js';
import { CongestedThreads } from './congested-threads.js';
import type { Dialect } from './dialect.js';
import { Inbox } from './inbox.js';
import { MissedTopics } from './missed-topics.js';
import type { Outlet } from './outlet.js';
import { type PublicationRun, withoutDeflated } from './publication-run.js';
import { MAX_NUMBERED_PEERS } from './shared-chunk.js';
import { ThreadLedger } from './thread-ledger.js';
import { hashTopic } from './topic-hash.js';

/** Limits on what a thread may be owed: publications that were posted to it and that it has not taken. */
export interface BusLimits {
  /**
   * How much memory of publications a thread may be owed, in bytes; one batch may always be posted. From a quarter of
   * this on, publishers are held back. Above it, publications are dropped if no connection can be held back for them.
   * What connections publish before they are held back still goes, up to twice this.
   */
  readonly maxOwedBytes: number;
  /** A thread that is owed something and takes nothing for this long, in ms, is not waited for any more. */
  readonly slowThreadTimeoutMs: number;
}

export interface BusListener {
  /** Delivers what other threads have published. */
  receive(runs: readonly PublicationRun[]): void;
  /**
   * This thread was too slow, and has missed publications to these topics; undefined for all topics. Called before
   * anything newer is received.
   */
  onMissed(topics: ReadonlySet<string> | undefined): void;
  /**
   * Messages were not posted to a thread, because it is owed too much or takes nothing.
   * @param messages how many.
   * @param isForOthers whether the thread would have passed them on to other processes.
   */
  onDropped(messages: number, isForOthers: boolean): void;
  /** A thread takes nothing, and is not waited for any more. */
  onSlowThread(): void;
  /** A thread is gone, and chunks do not have to count for it any more. @param peer its number. */
  onThreadGone(peer: number): void;
  /** Opens the connections that were handed to this thread already: a message may be for the first topics that they subscribe to. */
  takeHandOffs(): void;
}

/** A message between threads. Messages come in the order of posting. */
type BusMessage = Batch | { readonly missed: SharedArrayBuffer };

/** Another thread, as this one knows it. */
interface Peer {
  readonly port: MessagePort;
  readonly ledger: ThreadLedger;
  /** The number under which chunks count for this thread; negative if there are too many threads. */
  readonly number: number;
  /** The topics that it misses while it takes nothing; undefined while it is waited for. */
  missed: MissedTopics | undefined;
}

/** Publishers are held back above the first share of `maxOwedBytes`, and go on below the second. */
const HIGH_SHARE = 1 / 4;
const LOW_SHARE = 1 / 8;
/**
 * What connections publish goes up to this many times `maxOwedBytes`: they are held back one by one, each after it has
 * published.
 */
const MOST = 2;

/**
 * Connects the topics of one thread with those of the other threads, by a MessagePort to each. The publications of a
 * turn are one message; their bytes stay in memory that all threads share. A thread is posted only what it has
 * subscribers for: see {@link ThreadLedger}.
 *
 * Posting is a queue without back-pressure, so the bus counts what each thread is *owed*: the memory of publications
 * that were posted to it and that it has not put into its own outputs yet. Whole chunks count, each once. Above a mark,
 * publishers are held back. Above a bound, publications are dropped for that thread if no publisher can be held back
 * for them. A thread that takes nothing for long gets a list of what it has missed when it goes on. Taking never waits
 * for anything, so that two threads that publish to each other cannot block each other. {@link CongestedThreads}
 * watches the threads that are above the mark.
 */
export class Bus implements Outlet {
  readonly ledger: ThreadLedger;
  /** Whether there is a thread that publishers should wait for. A field, because each publication asks for it. */
  isCongested = false;
  readonly #limits: BusLimits;
  readonly #listener: BusListener;
  readonly #peers = new Map<MessagePort, Peer>();
  readonly #freeNumbers: number[] = [];
  #numbers = 0;
  readonly #congested: CongestedThreads<Peer>;
  readonly #inbox: Inbox<BusMessage>;

  /** @param ledger the ledger of this thread. */
  constructor(listener: BusListener, limits: BusLimits, ledger = new ThreadLedger()) {
    this.#listener = listener;
    this.#limits = limits;
    this.ledger = ledger;
    this.#congested = new CongestedThreads<Peer>({
      highBytes: HIGH_SHARE * limits.maxOwedBytes,
      lowBytes: LOW_SHARE * limits.maxOwedBytes,
      timeoutMs: limits.slowThreadTimeoutMs,
      onChange: (isCongested) => {
        this.isCongested = isCongested;
      },
      onSlow: (peer) => this.#waitNoMore(peer),
    });
    this.#inbox = new Inbox(
      ledger,
      (message) => this.#take(message),
      () => listener.takeHandOffs(),
    );
  }

  /** From now on, publications of other threads are received. To be called before the first client can get its 101. */
  listen(): void {
    this.ledger.listen();
  }

  join(topic: string, dialect: Dialect): void {
    this.ledger.join(hashTopic(topic), dialect);
  }

  leave(topic: string, dialect: Dialect): void {
    this.ledger.leave(hashTopic(topic), dialect);
  }

  /** Adds another thread. It is removed when its end of the port is closed. */
  connect(port: MessagePort, ledger: ThreadLedger): void {
    const number = this.#freeNumbers.pop() ?? (this.#numbers < MAX_NUMBERED_PEERS ? this.#numbers++ : -1);
    this.#peers.set(port, { port, ledger, number, missed: undefined });
    port.on('message', (message: BusMessage) => this.#inbox.receive(message));
    port.on('close', () => this.#disconnect(port));
    port.unref(); // does not keep its thread alive
  }

  /** Whether a publication to a topic has to be posted to another thread. */
  wants(topic: string): boolean {
    if (this.#peers.size === 0) return false;
    let hash: number | undefined;
    for (const { ledger } of this.#peers.values()) {
      if (!ledger.listens) continue; // `wants` asks it too, but then the topic would be hashed for nobody
      hash ??= hashTopic(topic);
      if (ledger.wants(hash)) return true;
    }
    return false;
  }

  deflatedDialectsOf(topic: string): number {
    let dialects = 0;
    let hash: number | undefined;
    for (const { ledger } of this.#peers.values()) {
      if (!ledger.hasDeflated) continue;
      hash ??= hashTopic(topic);
      dialects |= ledger.deflatedDialectsOf(hash);
    }
    return dialects;
  }

  /** Whether publishers to a topic should wait for a thread. To be called only while {@link isCongested}. */
  owes(topic: string): boolean {
    return this.#congested.want(topic);
  }

  /** Resolves when there is no thread that publishers should wait for. */
  room(): Promise<void> {
    return this.#congested.whenNone();
  }

  /** Posts the publications of a turn to each thread that has subscribers for them. */
  post(runs: readonly PublicationRun[]): void {
    if (this.#peers.size === 0) return;
    let hashes: Map<string, number> | undefined;
    for (const peer of this.#peers.values()) {
      if (!peer.ledger.listens) continue;
      hashes ??= hashesOf(runs);
      const wanted = wantedBy(peer.ledger, runs, hashes);
      if (wanted.length > 0) this.#postTo(peer, wanted);
    }
  }

  /**
   * Ends the publishing of this thread. The other threads still take what it has posted, and count it down themselves.
   */
  close(): void {
    for (const peer of [...this.#peers.values()]) {
      this.#peers.delete(peer.port);
      this.#congested.remove(peer);
      peer.port.close();
    }
  }

  #postTo(peer: Peer, runs: readonly PublicationRun[]): void {
    const { missed } = peer;
    if (missed !== undefined) {
      let isMissed = true;
      for (const { topic } of runs) isMissed = missed.add(topic) && isMissed;
      if (isMissed) {
        this.#drop(peer, runs);
        return;
      }
      peer.missed = undefined; // it goes on
    }
    if (this.#hasRoomFor(peer, runs, this.#limits.maxOwedBytes)) {
      this.#postBatch(peer, runs);
    } else {
      const heldBack = runs.filter(({ isHeldBack }) => isHeldBack);
      const isPosted = heldBack.length > 0 && this.#hasRoomFor(peer, heldBack, MOST * this.#limits.maxOwedBytes);
      if (isPosted) this.#postBatch(peer, heldBack);
      const dropped = isPosted ? runs.filter(({ isHeldBack }) => !isHeldBack) : runs;
      if (dropped.length > 0) this.#drop(peer, dropped);
    }
    this.#congested.check(peer);
  }

  #hasRoomFor(peer: Peer, runs: readonly PublicationRun[], maxBytes: number): boolean {
    const { owedBytes } = peer.ledger;
    return owedBytes === 0 || owedBytes + newBytesOf(peer, runs) + leastOverhead(runs) <= maxBytes;
  }

  #postBatch(peer: Peer, runs: readonly PublicationRun[]): void {
    const { ledger, number, port } = peer;
    const batch = encodeBatch(runs, number);
    const added = [...chunksOf(runs)].filter((chunk) => chunk.addPending(number));
    port.postMessage(batch);
    // Counted after posting: if this thread died between the two, nobody would ever subtract what was added.
    for (const chunk of added) ledger.addOwed(chunk.bytes.length);
    ledger.addOwed(batch.overheadBytes);
  }

  #drop({ ledger }: Peer, runs: readonly PublicationRun[]): void {
    const messages = runs.reduce((sum, run) => sum + run.messages, 0);
    this.#listener.onDropped(messages, ledger.passesOn);
  }

  #waitNoMore(peer: Peer): void {
    peer.missed = new MissedTopics();
    peer.port.postMessage({ missed: peer.missed.buffer } satisfies BusMessage);
    peer.ledger.addSlow(1); // after posting, as in `#postBatch`
    this.#listener.onSlowThread();
  }

  /** The thread is gone, and is owed nothing any more. */
  #disconnect(port: MessagePort): void {
    const peer = this.#peers.get(port);
    if (peer === undefined) return;
    this.#peers.delete(port);
    if (peer.number >= 0) {
      this.#listener.onThreadGone(peer.number);
      this.#freeNumbers.push(peer.number);
    }
    this.#congested.remove(peer);
  }

  // Receiving.

  #take(message: BusMessage): void {
    if ('missed' in message) {
      this.ledger.addSlow(-1);
      this.#listener.onMissed(new MissedTopics(message.missed).close());
      return;
    }
    const { peer, overheadBytes } = message;
    const { runs, chunks } = decodeBatch(message);
    try {
      this.#listener.receive(runs);
    } finally {
      for (const chunk of chunks) {
        if (chunk.takePending(peer)) this.ledger.addOwed(-chunk.bytes.length);
      }
      this.ledger.addOwed(-overheadBytes);
      this.ledger.noteTaken();
    }
  }
}

function hashesOf(runs: readonly PublicationRun[]): Map<string, number> {
  const hashes = new Map<string, number>();
  for (const { topic } of runs) if (!hashes.has(topic)) hashes.set(topic, hashTopic(topic));
  return hashes;
}

/**
 * The runs that a thread has subscribers for. Those to topics of which it has none with compression go without their compressed runs: it would
 * hold that memory in vain.
 */
function wantedBy(
  ledger: ThreadLedger,
  runs: readonly PublicationRun[],
  hashes: ReadonlyMap<string, number>,
): readonly PublicationRun[] {
  const wanted = new Set<string>();
  for (const [topic, hash] of hashes) if (ledger.wants(hash)) wanted.add(topic);
  if (wanted.size === 0) return [];
  const its = wanted.size === hashes.size ? runs : runs.filter(({ topic }) => wanted.has(topic));
  if (!its.some(({ deflated }) => deflated !== undefined)) return its;
  return its.map((run) => {
    return ledger.deflatedDialectsOf(hashes.get(run.topic) as number) === 0 ? withoutDeflated(run) : run; // it has a hash
  });
}

/** How much more memory would be held for a thread if these runs were posted to it. */
function newBytesOf({ number }: Peer, runs: readonly PublicationRun[]): number {
  let bytes = 0;
  for (const chunk of chunksOf(runs)) if (!chunk.isPending(number)) bytes += chunk.bytes.length;
  return bytes;
}
