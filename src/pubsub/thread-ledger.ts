const KIB = 1024;

/** Each an int32 at this index. */
const Word = {
  /** Whether the thread has connections, or may have, and is told of publications. */
  LISTENS: 0,
  /** Memory of publications that were posted to it, and that it has not taken yet. */
  OWED_KIB: 1,
  /** Batches that it has ever taken: whether it goes on. */
  TAKEN: 2,
  /** For how many other threads it is a slow consumer now. */
  SLOW: 3,
  /** Clients that are being sent a 101, so that they may know of their connection, and whose connections may come to be this thread's. */
  AWAITED_101: 4,
  /** Connections that were ever handed to it. */
  OFFERED: 5,
  /** Those of them that are settled, in their order: opened, failed or taken back. */
  SETTLED: 6,
} as const;

const WORDS = 16;

/** A byte for each; a power of two. 1000 topics are mistaken for another one in 4 of a million cases, 100 000 in 3 of 100. */
const INTEREST_BYTES = 2 ** 20;
const INTEREST_MASK = INTEREST_BYTES - 1;

/**
 * What other threads have to know of one thread when they publish, in memory that all share: they read it, and need no message,
 * so that it is known before `subscribe` returns.
 *
 * Its topics are in a Bloom filter (Bloom, 1970) of two hashes: a thread that has subscribers of a topic is always found, and
 * seldom one that has none, to which a batch is then posted in vain.
 */
export class ThreadLedger {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #interest: Uint8Array;
  /** Of the thread whose ledger it is: how many of its topics have set each byte. */
  #counts: Uint32Array | undefined;

  constructor(
    buffer = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT + INTEREST_BYTES), // touched as it is used
  ) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, WORDS);
    this.#interest = new Uint8Array(buffer, WORDS * Int32Array.BYTES_PER_ELEMENT);
  }

  // Of the thread itself.

  listen(): void {
    Atomics.store(this.#words, Word.LISTENS, 1);
  }

  /** The thread has its first subscriber of a topic. */
  join(hash: number): void {
    this.#counts ??= new Uint32Array(INTEREST_BYTES);
    this.#count(this.#counts, firstOf(hash), 1);
    this.#count(this.#counts, secondOf(hash), 1);
  }

  /** Its last one has gone. */
  leave(hash: number): void {
    if (this.#counts === undefined) return;
    this.#count(this.#counts, firstOf(hash), -1);
    this.#count(this.#counts, secondOf(hash), -1);
  }

  #count(counts: Uint32Array, at: number, change: 1 | -1): void {
    const count = (counts[at] as number) + change; // the index is masked
    counts[at] = count;
    Atomics.store(this.#interest, at, count > 0 ? 1 : 0);
  }

  /** The thread has put a batch into its own outputs. */
  noteTaken(): void {
    Atomics.add(this.#words, Word.TAKEN, 1);
  }

  // Of those who publish.

  get listens(): boolean {
    return Atomics.load(this.#words, Word.LISTENS) === 1;
  }

  /** Whether the thread is to be told of a publication to a topic. */
  wants(hash: number): boolean {
    if (!this.listens) return false;
    if (this.#has(firstOf(hash)) && this.#has(secondOf(hash))) return true;
    return this.isExpecting; // who has heard of its connection before the thread has may count on what it subscribes first
  }

  #has(at: number): boolean {
    return Atomics.load(this.#interest, at) === 1;
  }

  get owedBytes(): number {
    return Atomics.load(this.#words, Word.OWED_KIB) * KIB;
  }

  /** So much more memory is held for the thread, or less. @param bytes whole KiB, rounded up */
  addOwed(bytes: number): void {
    Atomics.add(this.#words, Word.OWED_KIB, Math.sign(bytes) * Math.ceil(Math.abs(bytes) / KIB));
  }

  /** Changes whenever it takes something. */
  get taken(): number {
    return Atomics.load(this.#words, Word.TAKEN);
  }

  get isSlow(): boolean {
    return Atomics.load(this.#words, Word.SLOW) > 0;
  }

  /** One more thread takes it for a slow consumer, or one less. */
  addSlow(change: 1 | -1): void {
    Atomics.add(this.#words, Word.SLOW, change);
  }

  // Of connections that clients know of before the thread does.

  /** A 101 is being sent to a client that may be given to this thread; or, with -1, the client was given to a thread, or to none. */
  addAwaited101(change: 1 | -1): void {
    Atomics.add(this.#words, Word.AWAITED_101, change);
  }

  /** A connection is on its way to the thread. */
  noteOffered(): void {
    Atomics.add(this.#words, Word.OFFERED, 1);
  }

  /** The next that was on its way is settled: opened, failed or taken back. */
  noteSettled(): void {
    Atomics.add(this.#words, Word.SETTLED, 1);
  }

  /** Whether a 101 is being sent now, whose client may be given to this thread. */
  get isAwaiting101(): boolean {
    return Atomics.load(this.#words, Word.AWAITED_101) > 0;
  }

  get offered(): number {
    return Atomics.load(this.#words, Word.OFFERED);
  }

  /** Whether all that were on their way at some time are settled. @param offered as of that time */
  haveSettled(offered: number): boolean {
    return ((Atomics.load(this.#words, Word.SETTLED) - offered) | 0) >= 0;
  }

  /** Whether there may be connections of which clients know and the thread does not. */
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
