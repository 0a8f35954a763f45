import type { MessagePort } from 'node:worker_threads';
import { type Batch, chunksOf, decodeBatch, encodeBatch, leastOverhead } from './batch.js';
import { Inbox } from './inbox.js';
import { MissedTopics } from './missed-topics.js';
import type { Outlet } from './outlet.js';
import type { PublicationRun } from './publication-run.js';
import { MAX_NUMBERED_PEERS } from './shared-chunk.js';
import { ThreadLedger } from './thread-ledger.js';
import { hashTopic } from './topic-hash.js';

/** What bounds what a thread may be owed. */
export interface BusLimits {
  /**
   * Memory of publications that may be posted to a thread and not taken by it, in bytes; one batch may always be. Publishers are
   * held back from a quarter of it on. Above it, what nobody can be held back for is dropped; what connections have published until
   * they were held back still goes, up to twice as much.
   */
  readonly maxOwedBytes: number;
  /** A thread that is owed something and takes nothing for so long, in ms, is waited for no more. */
  readonly slowThreadTimeoutMs: number;
}

export interface BusListener {
  /** Is given what other threads have published. */
  receive(runs: readonly PublicationRun[]): void;
  /** This thread was too slow for what was published to these topics; undefined: to any. Comes before whatever is newer. */
  onMissed(topics: ReadonlySet<string> | undefined): void;
  /** So many messages were not posted to a thread, which is owed too much or takes nothing. */
  onDropped(messages: number): void;
  /** A thread takes nothing, and is waited for no more. */
  onSlowThread(): void;
  /** A thread is gone: chunks need not count for it any more what it has taken and what its outputs hold. @param peer its number */
  onThreadGone(peer: number): void;
  /** Has the connections open that this thread was given before: it may be about to hear what they subscribe first. */
  takeHandOffs(): void;
}

/** What travels between threads. Everything comes in the order of posting. */
type BusMessage = Batch | { readonly missed: SharedArrayBuffer };

/** Another thread. */
interface Peer {
  readonly port: MessagePort;
  readonly ledger: ThreadLedger;
  /** By which chunks count what they hold for it; negative if there are too many threads. */
  readonly number: number;
  /** What it had taken when it was looked at last, and for how long it has taken nothing since, in ms. */
  taken: number;
  stillMs: number;
  /** What it misses because it takes nothing. */
  missed: MissedTopics | undefined;
}

/** How often those who are owed much are looked at, in ms. */
const TICK_MS = 20;
/** The share of the bound from which on publishers are held back, and that to which it has to fall. */
const HIGH_SHARE = 1 / 4;
const LOW_SHARE = 1 / 8;
/** How many times the bound is the most that connections may come to, which are held back one by one. */
const MOST = 2;

/**
 * Connects the topics of one thread with those of the others, by a MessagePort to each of them: the publications of a turn are
 * one message, and their bytes stay where they are, in memory that all threads share. Only threads that have subscribers of a
 * topic are told: see {@link ThreadLedger}.
 *
 * Posting is a queue without back-pressure, so what a thread is *owed* is counted: the memory that is held by what was posted to
 * it and is not put into its own outputs, whole chunks, each once. Above a mark, publishers are held back; above a bound, what
 * cannot be held back is dropped for that thread; and a thread that takes nothing for long is told what it has missed when it goes
 * on. A thread always takes: two that publish to each other never wait for each other.
 */
export class Bus implements Outlet {
  readonly ledger: ThreadLedger;
  /** Whether a thread is owed so much that publishers are to wait. A field: publishing asks it each time. */
  isCongested = false;
  readonly #limits: BusLimits;
  readonly #listener: BusListener;
  readonly #peers = new Map<MessagePort, Peer>();
  readonly #freeNumbers: number[] = [];
  #numbers = 0;
  /** Those who are owed above the mark. */
  readonly #owing = new Set<Peer>();
  #timer: NodeJS.Timeout | undefined;
  #tickedAtMs = 0;
  #waiting: (() => void)[] = [];
  readonly #inbox: Inbox<BusMessage>;

  /** @param ledger of this thread. */
  constructor(listener: BusListener, limits: BusLimits, ledger = new ThreadLedger()) {
    this.#listener = listener;
    this.#limits = limits;
    this.ledger = ledger;
    this.#inbox = new Inbox(
      ledger,
      (message) => this.#take(message),
      () => listener.takeHandOffs(),
    );
  }

  /** From now on, what others publish is received. To be called before the first client can hear that it is connected. */
  listen(): void {
    this.ledger.listen();
  }

  join(topic: string): void {
    this.ledger.join(hashTopic(topic));
  }

  leave(topic: string): void {
    this.ledger.leave(hashTopic(topic));
  }

  /** Adds another thread. It is removed when its end of the port is closed. */
  connect(port: MessagePort, ledger: ThreadLedger): void {
    const number = this.#freeNumbers.pop() ?? (this.#numbers < MAX_NUMBERED_PEERS ? this.#numbers++ : -1);
    this.#peers.set(port, {
      port,
      ledger,
      number,
      taken: ledger.taken,
      stillMs: 0,
      missed: undefined,
    });
    port.on('message', (message: BusMessage) => this.#inbox.receive(message));
    port.on('close', () => this.#disconnect(port));
    port.unref(); // does not keep its thread alive
  }

  /** Whether another thread is to be told of a publication to a topic. */
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

  /** Whether a thread that is owed too much has subscribers of a topic. Only to be asked while {@link isCongested}. */
  owes(topic: string): boolean {
    const hash = hashTopic(topic);
    for (const { ledger } of this.#owing) if (ledger.wants(hash)) return true;
    return false;
  }

  /** Resolves when no thread is owed so much that publishers are to wait. */
  room(): Promise<void> {
    if (!this.isCongested) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The publications of a turn, to everybody who has subscribers of them. */
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

  /** This thread has done with publishing. What it has posted is still taken by the others, which count it down themselves. */
  close(): void {
    for (const peer of [...this.#peers.values()]) {
      this.#peers.delete(peer.port);
      this.#forgetOwing(peer);
      peer.port.close();
    }
  }

  #postTo(peer: Peer, runs: readonly PublicationRun[]): void {
    const { missed, ledger } = peer;
    if (missed !== undefined) {
      let isMissed = true;
      for (const { topic } of runs) isMissed = missed.add(topic) && isMissed;
      if (isMissed) {
        this.#drop(runs);
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
      if (dropped.length > 0) this.#drop(dropped);
    }
    if (ledger.owedBytes > HIGH_SHARE * this.#limits.maxOwedBytes) this.#noteOwing(peer);
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
    // Only then: should this thread die between the two, nobody would ever take off what was added.
    for (const chunk of added) ledger.addOwed(chunk.bytes.length);
    ledger.addOwed(batch.overheadBytes);
  }

  #drop(runs: readonly PublicationRun[]): void {
    this.#listener.onDropped(runs.reduce((sum, { messages }) => sum + messages, 0));
  }

  #noteOwing(peer: Peer): void {
    if (this.#owing.has(peer)) return;
    this.#owing.add(peer);
    this.isCongested = true;
    peer.taken = peer.ledger.taken;
    peer.stillMs = 0;
    if (this.#timer !== undefined) return;
    this.#tickedAtMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  #tick(): void {
    const now = performance.now();
    // A thread that was blocked itself must not take that for the silence of others.
    const elapsedMs = Math.min(now - this.#tickedAtMs, 2 * TICK_MS);
    this.#tickedAtMs = now;
    for (const peer of [...this.#owing]) {
      const { ledger } = peer;
      const { taken } = ledger;
      if (ledger.owedBytes <= LOW_SHARE * this.#limits.maxOwedBytes) {
        this.#forgetOwing(peer);
      } else if (taken !== peer.taken) {
        peer.taken = taken;
        peer.stillMs = 0;
      } else {
        peer.stillMs += elapsedMs;
        if (peer.stillMs >= this.#limits.slowThreadTimeoutMs) this.#waitNoMore(peer);
      }
    }
  }

  #forgetOwing(peer: Peer): void {
    if (!this.#owing.delete(peer) || this.#owing.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.isCongested = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #waitNoMore(peer: Peer): void {
    peer.missed = new MissedTopics();
    peer.port.postMessage({ missed: peer.missed.buffer } satisfies BusMessage);
    peer.ledger.addSlow(1); // behind it, as with what is owed
    this.#forgetOwing(peer);
    this.#listener.onSlowThread();
  }

  /** It is gone, and owed nothing any more. */
  #disconnect(port: MessagePort): void {
    const peer = this.#peers.get(port);
    if (peer === undefined) return;
    this.#peers.delete(port);
    if (peer.number >= 0) {
      this.#listener.onThreadGone(peer.number);
      this.#freeNumbers.push(peer.number);
    }
    this.#forgetOwing(peer);
  }

  // Of what comes.

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

function wantedBy(
  ledger: ThreadLedger,
  runs: readonly PublicationRun[],
  hashes: ReadonlyMap<string, number>,
): readonly PublicationRun[] {
  const wanted = new Set<string>();
  for (const [topic, hash] of hashes) if (ledger.wants(hash)) wanted.add(topic);
  if (wanted.size === hashes.size) return runs;
  return wanted.size === 0 ? [] : runs.filter(({ topic }) => wanted.has(topic));
}

/** Memory that would be held for a thread, and is not yet. */
function newBytesOf({ number }: Peer, runs: readonly PublicationRun[]): number {
  let bytes = 0;
  for (const chunk of chunksOf(runs)) if (!chunk.isPending(number)) bytes += chunk.bytes.length;
  return bytes;
}
