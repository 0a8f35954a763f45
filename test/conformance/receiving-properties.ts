/** Properties of the framing loop that must hold for every input. The fast tests run them briefly, the long tests at length. */
import { expect } from 'vitest';
import type { Arena } from '../../dist/memory/arena.js';
import { HEADROOM_BYTES, TABLE_BYTES, WINDOW_BYTES } from '../../dist/memory/arena.js';
import { noteTakenSlabs } from '../memory/noted-slabs.js';
import { byteByByte, inGrowingPieces, inPieces, Receiver, type Rig, receive } from '../protocol/receiver.js';
import { decode } from './reference-decoder.js';
import type { Conversation } from './streams.js';

/** A small limit, so that streams from fast-check reach it. */
export const LIMIT_BYTES = 300;

/** What is encoded is decoded again, however the bytes are cut into reads. */
export function decodesWhatWasEncoded({ stream, events }: Conversation, sizes: readonly number[], on: Rig): void {
  const outcome = receive(inGrowingPieces(stream, sizes), on);
  expect(outcome).toEqual({ events, closeCode: undefined });
  expect(on.arena.slabs.allocatedSlabs).toBe(0);
}

/** The framing loop and the reference agree, also on the byte that breaks the protocol, however the bytes are cut into reads. */
export function agreesWithReference(stream: Buffer, sizes: readonly number[], on: Rig): void {
  const { events, closeCode, knownAfter } = decode(stream, LIMIT_BYTES);
  const expected = { events, closeCode };
  for (const reads of [[stream], inPieces(stream, sizes), byteByByte(stream)]) {
    expect(receive(reads, on, LIMIT_BYTES)).toEqual(expected);
  }
  if (knownAfter !== undefined) {
    const enough = stream.subarray(0, knownAfter);
    expect(receive([enough], on, LIMIT_BYTES).closeCode).toBe(closeCode);
    expect(receive(byteByByte(enough), on, LIMIT_BYTES).closeCode).toBe(closeCode);
    const short = enough.subarray(0, -1);
    expect(receive([short], on, LIMIT_BYTES).closeCode).toBeUndefined();
    expect(receive(inPieces(short, sizes), on, LIMIT_BYTES).closeCode).toBeUndefined();
  }
  expect(on.arena.slabs.allocatedSlabs).toBe(0);
}

/** Bytes change only in the window, in the headroom in front of it, and in slabs that are taken. */
export function writesOnlyWhereItMay(stream: Buffer, sizes: readonly number[], on: WatchedRig): void {
  const receiver = new Receiver(on, 16 * 1024 * 1024);
  try {
    for (const read of inGrowingPieces(stream, sizes)) {
      try {
        receiver.read(read);
      } finally {
        on.expectNoOtherByteWritten();
      }
    }
  } catch (error) {
    expect(error).toMatchObject({ name: 'ProtocolError', closeCode: expect.toBeOneOf([1002, 1007, 1009]) });
  } finally {
    receiver.close();
    on.expectNoOtherByteWritten();
  }
  expect(on.arena.slabs.allocatedSlabs).toBe(0);
}

/** A rig that knows which slabs were taken, and what was in its memory. */
export class WatchedRig implements Rig {
  readonly arena: Arena;
  readonly kernel: Rig['kernel'];
  readonly #memory: Buffer;
  /** Slabs that were taken since the last check: their offsets and capacities. */
  readonly #taken: (readonly [offset: number, capacity: number])[];

  constructor({ arena, kernel }: Rig) {
    this.arena = arena;
    this.kernel = kernel;
    for (let at = 0; at < arena.bytes.length - 65_536; at += 65_536) {
      if (at >= 65_536) arena.bytes.fill(0x5a + at / 65_536, at, at + 65_536);
    }
    this.#memory = Buffer.from(arena.bytes);
    this.#taken = noteTakenSlabs(arena.slabs);
  }

  /** Compares all memory with its former content, except for the window, the table of a scan, and the slabs that were taken. */
  expectNoOtherByteWritten(): void {
    const { arena } = this;
    const memory = this.#memory;
    const written: (readonly [offset: number, length: number])[] = [
      [arena.windowStart - HEADROOM_BYTES, HEADROOM_BYTES + WINDOW_BYTES],
      [arena.foundStart, TABLE_BYTES],
      ...this.#taken,
    ];
    for (const [offset, length] of written) arena.bytes.copy(memory, offset, offset, offset + length);
    expect(memory.equals(arena.bytes)).toBe(true);
  }
}
