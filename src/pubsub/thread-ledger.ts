import { sharedClockMs } from '../system/shared-clock.js';
import { DEFLATED_SET, Dialect } from './dialect.js';
import { engineFor } from './topic-spread.js';

const KIB = 1024;

/** Indexes of int32 words. */
const Word = {
  /** What the thread is posted, as bits: see {@link Listens}. */
  LISTENS: 0,
  /** How many KiB of publications were posted to it and are not taken yet. */
  OWED_KIB: 1,
  /** How many batches it has ever taken, which shows whether it goes on. */
  TAKEN: 2,
  /** How many other threads do not wait for it any more. */
  SLOW: 3,
  /**
   * How many clients are being sent a 101, and so may know of their connection, while it may still be handed to this
   * thread.
   */
  AWAITED_101: 4,
  /** How many connections were ever handed to it. */
  OFFERED: 5,
  /** How many of them are settled, in their order: opened, failed or taken back. */
  SETTLED: 6,
  /** How many of its topics have subscribers in a dialect that is compressed; a topic counts once for each of them. */
  DEFLATED: 7,
  /** How many engines carry to other processes what the thread is posted; each topic goes by one of them. */
  ENGINES: 8,
  /** Those of the engines that publishers should wait for, as bits: see {@link ThreadLedger.holdPublishers}. */
  HOLDING: 9,
  /** Until when, by {@link sharedClockMs}, as an int32, which wraps. */
  HOLDING_UNTIL_MS: 10,
} as const;

/** Bits of {@link Word.LISTENS}. */
const Listens = {
  /** The thread has connections, or may have, and so is posted what is published to their topics. */
  TO_ITS_TOPICS: 1,
  /** It is posted all publications: it passes them on to other processes. */
  TO_ALL: 2,
} as const;

const WORDS = 16;

/**
 * Size of the Bloom filter: one byte for each of its places; a power of two. With 1000 topics, another topic is found
 * by mistake in 4 of a million cases; with 100 000 topics, in 3 of 100.
 */
const INTEREST_BYTES = 2 ** 20;
const INTEREST_MASK = INTEREST_BYTES - 1;

/**
 * What other threads have to know of one thread when they publish. It lies in memory that all share, where they read it
 * without a message: so it is known before `subscribe` returns.
 *
 * The topics are in a Bloom filter (Bloom, 1970) of two hashes, in fact in one for each dialect of their subscribers: bit `1 << dialect`
 * of all bytes. A thread with subscribers of a topic is always found. A thread without any is seldom found: then a batch is posted to it in
 * vain.
 */
export class ThreadLedger {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #interest: Uint8Array;
  /** By dialect: how many topics have set its bit in each byte of the filter. Only the thread itself keeps this. */
  readonly #counts: (Uint32Array | undefined)[] = [undefined, undefined, undefined, undefined];

  constructor(
    buffer = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT + INTEREST_BYTES), // touched as it is used
  ) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, WORDS);
    this.#interest = new Uint8Array(buffer, WORDS * Int32Array.BYTES_PER_ELEMENT);
  }

  // Called by the thread itself.

  listen(): void {
    Atomics.or(this.#words, Word.LISTENS, Listens.TO_ITS_TOPICS);
  }

  /** The thread is posted all publications from now on, whatever its topics. @param engines how many carry them to other processes. */
  listenToAll(engines: number): void {
    Atomics.store(this.#words, Word.ENGINES, engines);
    Atomics.or(this.#words, Word.LISTENS, Listens.TO_ALL);
  }

  /**
   * Publishers in other threads should wait from now on if their topics go by engines that do not take what the thread passes on.
   * @param engines the set of these, bit `1 << engine` for each. From the 32nd on, engines share the bits of the first ones.
   * @param limitMs how long publishers wait for an engine that is new in the set. Other threads keep this time also if this one is
   * blocked, and cannot end it.
   */
  holdPublishers(engines: number, limitMs: number): void {
    const isNew = (engines & ~Atomics.load(this.#words, Word.HOLDING)) !== 0;
    if (isNew) Atomics.store(this.#words, Word.HOLDING_UNTIL_MS, (sharedClockMs() + limitMs) | 0);
    Atomics.store(this.#words, Word.HOLDING, engines);
  }

  /** The thread has its first subscriber of a topic in a dialect. */
  join(hash: number, dialect: Dialect): void {
    this.#counts[dialect] ??= new Uint32Array(INTEREST_BYTES);
    this.#note(hash, dialect, 1);
  }

  /** Its last one has gone. */
  leave(hash: number, dialect: Dialect): void {
    this.#note(hash, dialect, -1);
  }

  #note(hash: number, dialect: Dialect, change: 1 | -1): void {
    const counts = this.#counts[dialect];
    if (counts === undefined) return;
    for (const at of [firstOf(hash), secondOf(hash)]) {
      const count = (counts[at] as number) + change; // the index is masked
      counts[at] = count;
      const others = (this.#interest[at] as number) & ~(1 << dialect); // only this thread writes them
      Atomics.store(this.#interest, at, count > 0 ? others | (1 << dialect) : others);
    }
    if (dialect !== Dialect.PLAIN) Atomics.add(this.#words, Word.DEFLATED, change);
  }

  /** The thread has put a batch into its own outputs. */
  noteTaken(): void {
    Atomics.add(this.#words, Word.TAKEN, 1);
  }

  // Called by threads that publish.

  get listens(): boolean {
    return Atomics.load(this.#words, Word.LISTENS) !== 0;
  }

  /** Whether a publication has to be posted to the thread. @param hash of its topic. */
  wants(hash: number): boolean {
    const listens = Atomics.load(this.#words, Word.LISTENS);
    if (listens === 0) return false;
    if ((listens & Listens.TO_ALL) !== 0 || this.#dialectsOf(hash) !== 0) return true;
    return this.isExpecting; // a client that knows of its connection first may count on what it subscribes
  }

  /** The compressed dialects that subscribers of a topic in this thread have: bit `1 << dialect` for each. @param hash of the topic. */
  deflatedDialectsOf(hash: number): number {
    return this.listens ? this.#dialectsOf(hash) & DEFLATED_SET : 0;
  }

  /** Whether {@link deflatedDialectsOf} may find something: it asks nothing about a topic. */
  get hasDeflated(): boolean {
    return Atomics.load(this.#words, Word.DEFLATED) > 0;
  }

  #dialectsOf(hash: number): number {
    return Atomics.load(this.#interest, firstOf(hash)) & Atomics.load(this.#interest, secondOf(hash));
  }

  get owedBytes(): number {
    return Atomics.load(this.#words, Word.OWED_KIB) * KIB;
  }

  /** Adds to the memory that is held for the thread. @param bytes negative to subtract; rounded up to whole KiB. */
  addOwed(bytes: number): void {
    Atomics.add(this.#words, Word.OWED_KIB, Math.sign(bytes) * Math.ceil(Math.abs(bytes) / KIB));
  }

  /** Changes whenever the thread takes a batch. */
  get taken(): number {
    return Atomics.load(this.#words, Word.TAKEN);
  }

  /** Whether the thread passes on to other processes what it is posted. */
  get passesOn(): boolean {
    return (Atomics.load(this.#words, Word.LISTENS) & Listens.TO_ALL) !== 0;
  }

  /** Whether publishers to some topics should wait, whatever the thread is owed: see {@link holdPublishers}. */
  get holdsPublishers(): boolean {
    return this.#holding !== 0;
  }

  /** Whether publishers to a topic should wait, whatever the thread is owed: see {@link holdPublishers}. */
  holdsPublishersOf(topic: string): boolean {
    const holding = this.#holding;
    return holding !== 0 && ((holding >>> engineFor(topic, Atomics.load(this.#words, Word.ENGINES))) & 1) !== 0;
  }

  get #holding(): number {
    const holding = Atomics.load(this.#words, Word.HOLDING);
    if (holding === 0) return 0;
    const leftMs = (Atomics.load(this.#words, Word.HOLDING_UNTIL_MS) - sharedClockMs()) | 0;
    return leftMs > 0 ? holding : 0;
  }

  get isSlow(): boolean {
    return Atomics.load(this.#words, Word.SLOW) > 0;
  }

  /** One more thread does not wait for this one any more (1), or waits for it again (-1). */
  addSlow(change: 1 | -1): void {
    Atomics.add(this.#words, Word.SLOW, change);
  }

  // About connections that clients know of before the thread does.

  /**
   * One more client is being sent a 101 and may be handed to this thread (1); or such a client was handed to a thread,
   * or to none (-1).
   */
  addAwaited101(change: 1 | -1): void {
    Atomics.add(this.#words, Word.AWAITED_101, change);
  }

  /** One more connection is on its way to the thread. */
  noteOffered(): void {
    Atomics.add(this.#words, Word.OFFERED, 1);
  }

  /** The next connection that was on its way is settled: opened, failed or taken back. */
  noteSettled(): void {
    Atomics.add(this.#words, Word.SETTLED, 1);
  }

  /** Whether a client is being sent a 101 now that may be handed to this thread. */
  get isAwaiting101(): boolean {
    return Atomics.load(this.#words, Word.AWAITED_101) > 0;
  }

  /** How many connections were ever handed to the thread. */
  get offered(): number {
    return Atomics.load(this.#words, Word.OFFERED);
  }

  /**
   * Whether all connections that had been handed to the thread at some time are settled. @param offered the count at
   * that time.
   */
  haveSettled(offered: number): boolean {
    return ((Atomics.load(this.#words, Word.SETTLED) - offered) | 0) >= 0;
  }

  /** Whether there may be connections that clients know of and the thread does not. */
  get isExpecting(): boolean {
    return this.isAwaiting101 || !this.haveSettled(this.offered);
  }
}

function firstOf(hash: number): number {
  return hash & INTEREST_MASK;
}

function secondOf(hash: number): number {
  return (Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) >>> 12) & INTEREST_MASK;
}
