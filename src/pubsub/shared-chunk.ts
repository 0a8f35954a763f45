/**
 * The first bytes of a chunk hold the count of its users, in a cache line of its own, so that counting disturbs no payload; and then
 * two numbers for each thread that batches of it were posted to: how many of these the thread has not taken yet, and how many of its
 * outputs hold the chunk. So it is known of how many users the chunk is rid when the thread dies.
 */
export const CHUNK_HEADER_BYTES = 2048;
const HEADER_WORDS = CHUNK_HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT;
const FIRST_PENDING_WORD = 16;

/** Threads for which a chunk can count. */
export const MAX_NUMBERED_PEERS = (HEADER_WORDS - FIRST_PENDING_WORD) / 2;
const FIRST_HELD_WORD = FIRST_PENDING_WORD + MAX_NUMBERED_PEERS;

/** Size of an ordinary chunk, in bytes: small enough to stay in a core's second-level cache. */
const CHUNK_BYTES = 256 * 1024;

/** How many free chunks a thread keeps ready; the memory of more than these goes back to the system after a while, in ms. */
const MAX_READY = 16;
const KEEP_MS = 1000;
/** How many it knows of at most, free or not: more than threads can be owed. The others go when nobody holds them. */
const MAX_KNOWN = 1024;

/**
 * Memory that encoded publications lie in, shared by all threads whose connections are to be sent them. Its count of users
 * (writes that the kernel has not taken yet, and threads that have not seen a batch yet) lies in the memory itself.
 */
export class SharedChunk {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Buffer;
  /** The count of users, and those of the threads. */
  readonly #counts: Int32Array;
  /** Where this thread counts its outputs that hold it; 0 for the thread that fills it, and for one that has no number. */
  readonly #heldWord: number;
  version = 0;
  /** Where the next frame goes, for the thread that fills it. */
  position = CHUNK_HEADER_BYTES;

  /** @param peer by which number its publisher knows this thread; negative if it does not, or is this thread. */
  constructor(buffer: SharedArrayBuffer, peer = -1) {
    this.buffer = buffer;
    this.bytes = Buffer.from(buffer);
    this.#counts = new Int32Array(buffer, 0, HEADER_WORDS);
    this.#heldWord = peer < 0 ? 0 : FIRST_HELD_WORD + peer;
  }

  // Should the thread die between two steps, the chunk is held for ever, and never taken to be free by mistake.

  /** One more output of this thread holds it, or whoever else uses its bytes. */
  acquire(): void {
    Atomics.add(this.#counts, 0, 1);
    if (this.#heldWord > 0) Atomics.add(this.#counts, this.#heldWord, 1);
  }

  release(): void {
    if (this.#heldWord > 0) Atomics.sub(this.#counts, this.#heldWord, 1);
    Atomics.sub(this.#counts, 0, 1);
  }

  /** One more batch was posted to a thread, which uses the chunk until it has taken it. @returns whether it is the only one */
  addPending(peer: number): boolean {
    Atomics.add(this.#counts, 0, 1);
    return peer < 0 || Atomics.add(this.#counts, FIRST_PENDING_WORD + peer, 1) === 0;
  }

  /** The thread has taken one. @returns whether it was the last */
  takePending(peer: number): boolean {
    const isLast = peer < 0 || Atomics.sub(this.#counts, FIRST_PENDING_WORD + peer, 1) === 1;
    Atomics.sub(this.#counts, 0, 1);
    return isLast;
  }

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

  /** Forgets the contents. Only when free. */
  rewind(): void {
    this.position = CHUNK_HEADER_BYTES;
    this.version++;
  }
}

/**
 * The chunks that a thread fills with its publications, one after the other, and again when they are free. To make new ones
 * instead would leave so many to the garbage collectors of all threads that have seen them, which do not hurry: they do not know how
 * much memory is behind.
 */
export class ChunkPool {
  /** Gives memory back to the system that nobody reads any more, and that is empty when it is used again. */
  discard: (bytes: Uint8Array) => void = () => {};
  #known: SharedChunk[] = [];
  /** Of these, those that have no memory now. */
  readonly #discarded = new Set<SharedChunk>();
  /** Chunks of one long message each, which are not used again. */
  #large: SharedChunk[] = [];
  #trimming: NodeJS.Timeout | undefined;
  /** Used in this turn, and held until what is in them has been delivered. */
  #inTurn: SharedChunk[] = [];
  /** Those of the turn that is being delivered. */
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

  /** What was put into chunks since the last call is about to be delivered; what comes now is of the next turn. */
  beginDelivery(): void {
    [this.#inTurn, this.#delivering] = [this.#delivering, this.#inTurn];
  }

  /** It has been delivered, or is held by those who still need it. */
  endDelivery(): void {
    for (const chunk of this.#delivering) chunk.release();
    this.#delivering.length = 0;
  }

  /** Another thread is gone, with all that it had of the chunks. @param peer its number */
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
