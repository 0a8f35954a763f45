/**
 * Size of the header of a chunk, in bytes. It begins with the count of users, in a cache line of its own, so that
 * counting disturbs no payload. Two numbers follow for each thread that batches of the chunk were posted to: how many
 * of these batches the thread has not taken yet, and how many of its outputs hold the chunk. They say how many users
 * the chunk loses when the thread dies.
 */
export const CHUNK_HEADER_BYTES = 2048;
const HEADER_WORDS = CHUNK_HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT;
const FIRST_PENDING_WORD = 16;

/** For how many threads a chunk can count. */
export const MAX_NUMBERED_PEERS = (HEADER_WORDS - FIRST_PENDING_WORD) / 2;
const FIRST_HELD_WORD = FIRST_PENDING_WORD + MAX_NUMBERED_PEERS;

/** Size of an ordinary chunk, in bytes: small enough to stay in a core's second-level cache. */
const CHUNK_BYTES = 256 * 1024;

/**
 * How many free chunks a thread keeps ready, and after how long, in ms, the memory of more than these goes back to the
 * system.
 */
const MAX_READY = 16;
const KEEP_MS = 1000;
/**
 * How many chunks a thread knows of at most, free or not: more than other threads can be owed. A chunk above that is
 * garbage as soon as nobody holds it.
 */
const MAX_KNOWN = 1024;

/**
 * Memory with encoded publications, shared by all threads whose connections get them. The count of its users lies in
 * the memory itself: writes that the kernel has not taken yet, and threads that have not taken a batch yet.
 */
export class SharedChunk {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Buffer;
  /** The header: the count of users, and the numbers of each thread. */
  readonly #counts: Int32Array;
  /**
   * Index of the number of outputs of this thread that hold the chunk; 0 in the thread that fills the chunk, and in a
   * thread without a number.
   */
  readonly #heldWord: number;
  version = 0;
  /** Where the next frame goes, for the thread that fills it. */
  position = CHUNK_HEADER_BYTES;

  /**
   * @param peer the number by which the publisher knows this thread; negative if it has none, or if this thread is the
   * publisher.
   */
  constructor(buffer: SharedArrayBuffer, peer = -1) {
    this.buffer = buffer;
    this.bytes = Buffer.from(buffer);
    this.#counts = new Int32Array(buffer, 0, HEADER_WORDS);
    this.#heldWord = peer < 0 ? 0 : FIRST_HELD_WORD + peer;
  }

  // If the thread dies between two steps of these, the chunk is held for ever, and never counts as free by mistake.

  /** One more output of this thread holds the chunk, or something else that uses its bytes. */
  acquire(): void {
    Atomics.add(this.#counts, 0, 1);
    if (this.#heldWord > 0) Atomics.add(this.#counts, this.#heldWord, 1);
  }

  release(): void {
    if (this.#heldWord > 0) Atomics.sub(this.#counts, this.#heldWord, 1);
    Atomics.sub(this.#counts, 0, 1);
  }

  /**
   * Counts a batch that is posted to a thread: the thread uses the chunk until it has taken the batch.
   * @returns whether the thread has no other batch of the chunk.
   */
  addPending(peer: number): boolean {
    Atomics.add(this.#counts, 0, 1);
    return peer < 0 || Atomics.add(this.#counts, FIRST_PENDING_WORD + peer, 1) === 0;
  }

  /** Counts a batch that a thread has taken. @returns whether it was the last. */
  takePending(peer: number): boolean {
    const isLast = peer < 0 || Atomics.sub(this.#counts, FIRST_PENDING_WORD + peer, 1) === 1;
    Atomics.sub(this.#counts, 0, 1);
    return isLast;
  }

  /** Whether a thread has batches of the chunk that it has not taken. */
  isPending(peer: number): boolean {
    return peer >= 0 && Atomics.load(this.#counts, FIRST_PENDING_WORD + peer) > 0;
  }

  /** The thread is gone: it takes nothing any more, and its outputs are gone with it. */
  forget(peer: number): void {
    const counts = this.#counts;
    const users =
      Atomics.exchange(counts, FIRST_PENDING_WORD + peer, 0) + Atomics.exchange(counts, FIRST_HELD_WORD + peer, 0);
    Atomics.sub(counts, 0, users);
  }

  get isFree(): boolean {
    return Atomics.load(this.#counts, 0) === 0;
  }

  /** Whether `length` more bytes have room. */
  hasRoom(length: number): boolean {
    return this.position + length <= this.bytes.length;
  }

  /** Forgets the contents. To be called only when the chunk is free. */
  rewind(): void {
    this.position = CHUNK_HEADER_BYTES;
    this.version++;
  }
}

/**
 * The chunks that a thread fills with its publications, one after the other, and again when they are free. New chunks
 * instead would be garbage in every thread that has seen them, and garbage collectors do not hurry: they do not know
 * how much memory there is behind a small object.
 */
export class ChunkPool {
  /** Gives memory that nobody reads any more back to the system. It is all zeros when it is used again. */
  discard: (bytes: Uint8Array) => void = () => {};
  #known: SharedChunk[] = [];
  /** The known chunks whose memory was given back. */
  readonly #discarded = new Set<SharedChunk>();
  /** Chunks of one long message each, which are not used again. */
  #large: SharedChunk[] = [];
  #trimming: NodeJS.Timeout | undefined;
  /** The chunks of this turn, held until their publications have been delivered. */
  #inTurn: SharedChunk[] = [];
  /** The chunks of the turn that is being delivered. */
  #delivering: SharedChunk[] = [];
  #current: SharedChunk | undefined;

  /** A chunk with room for `length` bytes, which nobody else fills, held until {@link endDelivery}. */
  withRoom(length: number): SharedChunk {
    const current = this.#current;
    if (current !== undefined) {
      if (this.#inTurn.length === 0 && current.isFree) current.rewind();
      if (current.hasRoom(length)) return this.#hold(current);
    }
    if (CHUNK_HEADER_BYTES + length > CHUNK_BYTES) return this.#hold(this.#largeChunk(length));
    this.#current = this.#freeChunk();
    return this.#hold(this.#current);
  }

  /**
   * Begins to deliver what was put into chunks since the last call. What is published from now on belongs to the next
   * turn.
   */
  beginDelivery(): void {
    [this.#inTurn, this.#delivering] = [this.#delivering, this.#inTurn];
  }

  /** Ends the delivery. Outputs that still need a chunk hold it themselves. */
  endDelivery(): void {
    for (const chunk of this.#delivering) chunk.release();
    this.#delivering.length = 0;
  }

  /** Another thread is gone, with all that it held of the chunks. @param peer its number. */
  forget(peer: number): void {
    for (const chunk of this.#known) chunk.forget(peer);
    for (const chunk of this.#large) chunk.forget(peer);
  }

  #hold(chunk: SharedChunk): SharedChunk {
    if (this.#inTurn.at(-1) !== chunk) {
      chunk.acquire();
      this.#inTurn.push(chunk);
    }
    return chunk;
  }

  #largeChunk(length: number): SharedChunk {
    const chunk = new SharedChunk(new SharedArrayBuffer(CHUNK_HEADER_BYTES + length));
    if (this.#large.length === MAX_KNOWN) this.#large.shift();
    this.#large.push(chunk);
    this.#trimLater();
    return chunk;
  }

  #freeChunk(): SharedChunk {
    const free = this.#known.find((chunk) => chunk.isFree);
    if (free !== undefined) {
      if (this.#discarded.delete(free)) this.#trimLater();
      free.rewind();
      return free;
    }
    const chunk = new SharedChunk(new SharedArrayBuffer(CHUNK_BYTES));
    if (this.#known.length === MAX_KNOWN) this.#discarded.delete(this.#known.shift() as SharedChunk); // there are some
    this.#known.push(chunk);
    if (this.#known.length > MAX_READY) this.#trimLater();
    return chunk;
  }

  #trimLater(): void {
    this.#trimming ??= setTimeout(() => this.#trim(), KEEP_MS).unref();
  }

  #trim(): void {
    this.#trimming = undefined;
    let ready = 0;
    for (const chunk of this.#known) {
      if (!chunk.isFree || chunk === this.#current || this.#discarded.has(chunk) || ++ready <= MAX_READY) continue;
      this.#discarded.add(chunk);
      this.discard(chunk.bytes);
    }
    this.#large = this.#large.filter((chunk) => {
      if (!chunk.isFree) return true;
      this.discard(chunk.bytes);
      return false;
    });
    if (this.#large.length > 0 || this.#known.length - this.#discarded.size > MAX_READY + 1) this.#trimLater();
  }
}
