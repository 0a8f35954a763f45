/** The framing loop, fed as a connection's transport feeds it, and its events as text. */
import { createHash } from 'node:crypto';
import { createKernel, type KernelChoice } from '../../dist/kernels/create-kernel.js';
import type { Kernel } from '../../dist/kernels/kernel.js';
import { Arena, HEADROOM_BYTES, WINDOW_BYTES } from '../../dist/memory/arena.js';
import { FrameEvent } from '../../dist/protocol/frame-event.js';
import { MaskedFrameReader } from '../../dist/protocol/masked-frame-reader.js';
import { ProtocolError } from '../../dist/protocol/protocol-error.js';

export type EventName = 'text' | 'binary' | 'ping' | 'pong' | 'close';

/** An event as text: readable if short, with a digest if long. */
export function event(name: EventName, payload: Uint8Array | string): string {
  const bytes = Buffer.from(payload as Uint8Array);
  if (bytes.length > 200) return `${name}: ${bytes.length} bytes ${createHash('sha1').update(bytes).digest('hex')}`;
  return `${name}: ${name === 'text' ? bytes.toString() : bytes.toString('hex')}`;
}

/** A thread's memory and kernel. */
export interface Rig {
  readonly arena: Arena;
  readonly kernel: Kernel;
}

export function makeRig(choice: KernelChoice, arenaBytes: number): Rig {
  const arena = new Arena(arenaBytes);
  return { arena, kernel: createKernel(choice, arena.memory) };
}

const rigs = new Map<string, Rig>();

/** The same rig each time, because each one reserves address space. */
export function rig(choice: KernelChoice = 'auto', arenaBytes = 64 * 1024 * 1024): Rig {
  const name = `${choice} ${arenaBytes}`;
  const made = rigs.get(name) ?? makeRig(choice, arenaBytes);
  rigs.set(name, made);
  return made;
}

/** To be called after each test: closed connections must have given back all of their memory. */
export function expectNoSlabTaken(): void {
  for (const [name, { arena }] of rigs) {
    const { allocatedSlabs, allocatedBytes } = arena.slabs;
    if (allocatedSlabs === 0 && allocatedBytes === 0) continue;
    rigs.delete(name); // so that only this test fails, and not the next one too
    throw new Error(`${allocatedSlabs} slabs of the arena "${name}" were not given back`);
  }
}

const MEBIBYTE = 1024 * 1024;
const CONTROL_NAMES: Record<number, EventName> = {
  [FrameEvent.PING]: 'ping',
  [FrameEvent.PONG]: 'pong',
  [FrameEvent.CLOSE]: 'close',
};

export class Receiver {
  readonly arena: Arena;
  readonly reader: MaskedFrameReader;
  readonly events: string[] = [];
  /** Reads that went to the end of the message itself, and messages that did not fit the arena. */
  directReads = 0;
  heapMessages = 0;
  /** The range that the next read goes to: the reader has lent it, and libuv holds it. */
  #target: readonly [offset: number, length: number] | undefined;

  constructor({ arena, kernel }: Rig = rig(), maxPayloadBytes = 16 * MEBIBYTE) {
    this.arena = arena;
    this.reader = new MaskedFrameReader(arena, kernel, maxPayloadBytes);
  }

  /** Brings bytes in as many reads as they need, each where the reader wants it. @throws ProtocolError */
  read(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += this.readOnce(bytes.subarray(at));
  }

  /** One read, of as many of the bytes as there is room for. Returns how many. */
  readOnce(bytes: Uint8Array): number {
    const { arena, reader } = this;
    const [offset, room] = this.#target ?? [arena.windowStart, WINDOW_BYTES];
    const length = Math.min(room, bytes.length);
    if (this.#target !== undefined) this.directReads++;
    arena.bytes.set(bytes.subarray(0, length), offset);
    reader.endLoan();
    reader.feed(offset, offset + length);
    for (let found = reader.next(); found !== FrameEvent.NONE; found = reader.next()) this.#note(found);
    this.#target = reader.lendFreeEnd();
    return length;
  }

  /** The range that the next read goes to if that is not the window. */
  get lent(): readonly [offset: number, length: number] | undefined {
    return this.#target;
  }

  /** As a connection does when its socket is gone. */
  close(): void {
    this.#target = undefined;
    this.reader.endLoan();
    this.reader.discard();
  }

  #note(found: FrameEvent): void {
    const { reader, arena } = this;
    const { bytes, start, length, vacated } = reader;
    const name = CONTROL_NAMES[found] ?? (reader.firstByte === 0x82 ? 'binary' : 'text');
    this.events.push(event(name, bytes.subarray(start, start + length)));
    if (reader.reportedFromHeap) this.heapMessages++;
    // A connection may do this now: write its own header in front, and overwrite bytes that nobody needs any more.
    if (vacated > 0) {
      if (bytes !== arena.bytes || start - vacated < arena.windowStart - HEADROOM_BYTES) {
        throw new Error(`${vacated} bytes before ${start} are not free`);
      }
      bytes.fill(0xee, start - vacated, start);
    }
    if (found === FrameEvent.MESSAGE) reader.overwrite(0xdb);
  }
}

/** The result of a stream. */
export interface Outcome {
  readonly events: readonly string[];
  /** The close code of the violation that ended it. */
  readonly closeCode: number | undefined;
}

/** Feeds a stream to a new reader, read by read. */
export function receive(reads: Iterable<Uint8Array>, on: Rig = rig(), maxPayloadBytes?: number): Outcome {
  const receiver = new Receiver(on, maxPayloadBytes);
  try {
    for (const read of reads) receiver.read(read);
    return { events: receiver.events, closeCode: undefined };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { events: receiver.events, closeCode: error.closeCode };
  } finally {
    receiver.close();
  }
}

/** The events of a stream without violations, fed whole. */
export function eventsOf(...stream: Uint8Array[]): readonly string[] {
  const { events, closeCode } = receive([Buffer.concat(stream)]);
  if (closeCode !== undefined) throw new Error(`closed with ${closeCode}`);
  return events;
}

export function* byteByByte(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
}

/** Pieces of the given sizes, used in turn. */
export function* inPieces(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Pieces of the given sizes, used in turn. After each 100 pieces they grow, so that a long stream ends soon. */
export function* inGrowingPieces(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = (sizes[turn % sizes.length] as number) * (1 + Math.floor(turn / 100));
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
