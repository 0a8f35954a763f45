import type { Transport, TransportListener } from '../../dist/connection/transport.js';
import type { Budget } from '../../dist/connection/write-queue.js';
import { type Arena, HEADROOM_BYTES, OUT_BYTES, WINDOW_BYTES } from '../../dist/memory/arena.js';

/** Overwrites what is nobody's between two turns. */
const JUNK = 0xa5;

interface Queued {
  readonly bytes: Uint8Array;
  /** Its contents when it was queued. They must not change. */
  readonly snapshot: Buffer;
  readonly written: (() => void) | undefined;
}

/** What a connection has asked of its transport. */
export type Call =
  | { readonly what: 'write'; readonly offered: number; readonly taken: number }
  | { readonly what: 'enqueue'; readonly offered: number }
  | { readonly what: 'pause' | 'resume' | 'end' | 'destroy' };

/**
 * A TCP connection in memory, in the hands of a test: the test says how much the kernel takes of each write, when it takes what
 * was queued, and what arrives. It does what libuv may do: between turns it overwrites every range of the arena that is not
 * the connection's, and reads into the range that it was given last. Breaches of the contract are collected.
 */
export class ScriptedTransport implements Transport {
  /** How many of the offered bytes the kernel takes at once. */
  takes: (offered: number) => number = (offered) => offered;
  /** Called whenever the connection was told something: a phase of the event loop may end there. */
  onTold: () => void = () => {};
  /** The most that one read brings, in bytes. */
  readBytes = WINDOW_BYTES;

  readonly calls: Call[] = [];
  readonly breaches: string[] = [];
  /** By somebody who has not asked the connection. */
  directWrites = 0;
  isPaused = true;
  isEnded = false;
  isDestroyed = false;
  isClosed = false;

  /** Answers of TLS that the peer does not take. */
  protocolBytes = 0;

  readonly #arena: Arena;
  readonly #listener: TransportListener;
  readonly #taken: Buffer[] = [];
  readonly #queue: Queued[] = [];
  readonly #shared = new Set<SharedArrayBuffer>();
  #queuedBytes = 0;
  #acknowledgedBytes = 0;
  /** By the connection itself. */
  #isDropped = false;
  /** Has arrived and is not read yet. */
  #input: Buffer = Buffer.alloc(0);
  #peerFin = false;
  #endTold = false;
  /** Where the next read goes. libuv may write there at any time. */
  #target: readonly [offset: number, length: number] | undefined;

  readonly #budget: Budget;

  readonly #descriptor: number;

  constructor(arena: Arena, listener: TransportListener, budget: Budget, descriptor = -1) {
    this.#descriptor = descriptor;
    this.#budget = budget;
    this.#arena = arena;
    this.#listener = listener;
    this.#target = listener.readTarget(); // as a net.Socket does when it is made
  }

  // What the connection sees.

  get descriptor(): number {
    return this.isDestroyed ? -1 : this.#descriptor;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get acknowledgedBytes(): number {
    return this.#acknowledgedBytes;
  }

  tryWrite(bytes: Uint8Array, start: number, end: number): number {
    return this.#write(bytes.subarray(start, end));
  }

  tryWriteBoth(head: Uint8Array, body: Uint8Array): number {
    return this.#write(Buffer.concat([head, body]));
  }

  enqueue(bytes: Uint8Array, written?: () => void): void {
    this.calls.push({ what: 'enqueue', offered: bytes.length });
    this.#expectOpen('enqueue');
    if (bytes.length === 0) this.breaches.push('enqueue of nothing');
    if (bytes.buffer instanceof SharedArrayBuffer) this.#shared.add(bytes.buffer);
    this.#queue.push({ bytes, snapshot: Buffer.from(bytes), written });
    this.#queuedBytes += bytes.length;
    this.#budget.add(bytes.length);
  }

  enqueueCopy(bytes: Uint8Array, start: number, end: number): void {
    this.enqueue(new Uint8Array(bytes.subarray(start, end)));
  }

  pause(): void {
    this.calls.push({ what: 'pause' });
    this.isPaused = true;
  }

  resume(): void {
    this.calls.push({ what: 'resume' });
    this.isPaused = false;
  }

  end(): void {
    this.calls.push({ what: 'end' });
    if (this.isEnded) this.breaches.push('a second FIN');
    this.isEnded = true;
  }

  destroy(): void {
    this.calls.push({ what: 'destroy' });
    this.#listener.onDescriptorLost();
    this.#isDropped = true;
    this.isDestroyed = true;
  }

  /** A write to the descriptor by somebody who does not ask the connection. */
  takeDirectly(bytes: Uint8Array, start: number, end: number): number {
    if (this.isDestroyed) this.breaches.push('a write to a descriptor that was closed');
    if (this.#queue.length > 0) this.breaches.push('a write that overtakes the queue');
    this.directWrites++;
    return this.#write(bytes.subarray(start, end));
  }

  // What the test does.

  /** The peer sends bytes, which are read at once if the connection reads. */
  arrive(...parts: Uint8Array[]): void {
    this.#input = Buffer.concat([this.#input, ...parts]);
    this.pump();
  }

  /** The peer sends FIN, after all that has arrived. */
  fin(): void {
    this.#peerFin = true;
    this.pump();
  }

  /** The kernel takes the first `entries` of what is queued. */
  drainSome(entries: number): void {
    for (let i = 0; i < entries && this.#queue.length > 0 && !this.isDestroyed; i++) {
      this.#complete(this.#queue.shift() as Queued, true);
      this.#listener.onWritten();
      this.onTold();
      this.overwriteWhatIsFree();
    }
    this.pump();
  }

  /** The kernel takes all that is queued, and all that comes of it. */
  drain(): void {
    do this.drainSome(this.#queue.length);
    while (this.#queue.length > 0 && !this.isDestroyed);
  }

  /** The connection is lost: reset by the peer, say. */
  lose(): void {
    this.loseSoon();
    this.pump();
  }

  /** The connection is lost, and is told of it when something happens next. */
  loseSoon(): void {
    this.#listener.onDescriptorLost();
    this.isDestroyed = true;
  }

  /** Everything that happens by itself: reads what has arrived, tells of the peer's FIN, and of the end. */
  pump(): void {
    while (!this.isPaused && !this.isDestroyed && this.#input.length > 0) this.#read();
    if (!this.isPaused && !this.isDestroyed && this.#peerFin && !this.#endTold) {
      this.#endTold = true;
      this.#listener.onEnd();
      this.onTold();
    }
    const bothEnded = this.#endTold && this.isEnded && this.#queue.length === 0;
    if ((this.isDestroyed || bothEnded) && !this.isClosed) this.#close();
  }

  /** Reads that are under way when the connection pauses: they come all the same. */
  readDespitePause(bytes: Uint8Array): boolean {
    const { windowStart } = this.#arena;
    this.#arena.bytes.set(bytes, windowStart);
    const goOn = this.#listener.onRead(windowStart, windowStart + bytes.length);
    this.#target = this.#listener.readTarget();
    this.overwriteWhatIsFree();
    this.onTold();
    return goOn;
  }

  // What the test looks at.

  /** All that the kernel has taken, in order. */
  get output(): Buffer {
    return Buffer.concat(this.#taken);
  }

  /** System calls that write. */
  get writes(): number {
    return this.calls.filter(({ what }) => what === 'write').length;
  }

  /** Entries in the queue. */
  get queuedEntries(): number {
    return this.#queue.length;
  }

  get unreadBytes(): number {
    return this.#input.length;
  }

  /** Where the next read will go, if not to the window. */
  get target(): readonly [offset: number, length: number] | undefined {
    return this.#target;
  }

  /** The users of chunks of publications that were queued here. */
  get chunkUsers(): number {
    let users = 0;
    for (const buffer of this.#shared) users += Atomics.load(new Int32Array(buffer, 0, 1), 0);
    return users;
  }

  /** What anybody may do between two turns with memory that is not in use. */
  overwriteWhatIsFree(): void {
    const { bytes, windowStart } = this.#arena;
    bytes.fill(JUNK, windowStart - HEADROOM_BYTES, windowStart + WINDOW_BYTES);
    if (this.#target === undefined || this.isClosed) return;
    const [offset, length] = this.#target;
    bytes.fill(JUNK, offset, offset + length);
  }

  #read(): void {
    const [offset, room] = this.#target ?? [this.#arena.windowStart, WINDOW_BYTES];
    if (room <= 0) {
      this.breaches.push('an empty range to read to');
      this.isDestroyed = true;
      return;
    }
    const length = Math.min(room, this.readBytes, this.#input.length);
    this.#input.copy(this.#arena.bytes, offset, 0, length);
    this.#input = this.#input.subarray(length);
    if (!this.#listener.onRead(offset, offset + length)) this.isPaused = true;
    this.#target = this.#listener.readTarget(); // as a net.Socket does, also when it was destroyed meanwhile
    this.overwriteWhatIsFree();
    this.onTold();
  }

  #write(bytes: Uint8Array): number {
    this.#expectOpen('write');
    if (bytes.length === 0) this.breaches.push('write of nothing');
    if (this.#queue.length > 0 || this.isDestroyed) return 0;
    const taken = Math.max(0, Math.min(this.takes(bytes.length), bytes.length));
    this.calls.push({ what: 'write', offered: bytes.length, taken });
    if (taken > 0) this.#taken.push(Buffer.from(bytes.subarray(0, taken)));
    return taken;
  }

  #complete({ bytes, snapshot, written }: Queued, isTaken: boolean): void {
    if (!snapshot.equals(bytes)) this.breaches.push('queued bytes have changed');
    this.#queuedBytes -= bytes.length;
    this.#budget.add(-bytes.length);
    this.#acknowledgedBytes += bytes.length;
    if (isTaken) this.#taken.push(snapshot);
    written?.();
  }

  #close(): void {
    this.isClosed = true;
    for (const queued of this.#queue.splice(0)) this.#complete(queued, false);
    this.#listener.onClose();
    this.onTold();
  }

  #expectOpen(what: string): void {
    if (this.isEnded) this.breaches.push(`${what} after FIN`);
    if (this.#isDropped) this.breaches.push(`${what} after destroy()`);
    if (this.isClosed) this.breaches.push(`${what} after the end`);
  }
}

/** The gather buffer, between two turns: nothing in it is needed any more. */
export function overwriteGatherBuffer({ bytes, outStart }: Arena): void {
  bytes.fill(JUNK, outStart, outStart + OUT_BYTES);
}
