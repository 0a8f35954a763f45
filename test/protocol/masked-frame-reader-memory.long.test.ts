import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KERNEL_CHOICES } from '../../dist/kernels/create-kernel.js';
import { type Arena, HEADROOM_BYTES, MAX_ARENA_BYTES, MIN_ARENA_BYTES, WINDOW_BYTES } from '../../dist/memory/arena.js';
import { FrameEvent } from '../../dist/protocol/frame-event.js';
import { MaskedFrameReader } from '../../dist/protocol/masked-frame-reader.js';
import { BINARY, CONTINUATION, fragments, frame, longText, noise, PING, TEXT } from './client-frames.js';
import { event, expectNoSlabTaken, inPieces, makeRig, Receiver, receive, rig } from './receiver.js';

const KIB = 1024;
const MEBIBYTE = KIB * KIB;

afterEach(expectNoSlabTaken);

/** Overwrites the window and the headroom in front of it, as the next read of another connection may. */
function spoilWindow(arena: Arena, seed: number): void {
  noise(HEADROOM_BYTES + 4096, seed).copy(arena.bytes, arena.windowStart - HEADROOM_BYTES);
  arena.bytes.fill(seed, arena.windowStart + 4096, arena.windowStart + WINDOW_BYTES);
}

describe.each(KERNEL_CHOICES)('a large message, by the %s kernel', (choice) => {
  const on = () => rig(choice);

  test.each([
    ['text', TEXT, longText(3 * MEBIBYTE)],
    ['binary', BINARY, noise(3 * MEBIBYTE)],
  ] as const)('is %s that lands where it stays', (name, opcode, payload) => {
    const stream = Buffer.concat([
      frame({ opcode: PING, payload: 'before' }),
      frame({ opcode, payload }),
      frame({ opcode: PING, payload: 'after' }),
    ]);
    const expected = [event('ping', 'before'), event(name, payload), event('ping', 'after')];
    for (const sizes of [[stream.length], [WINDOW_BYTES], [65_536, 1, 17], [100_003]]) {
      const receiver = new Receiver(on());
      for (const read of inPieces(stream, sizes)) receiver.read(read);
      expect(receiver.events).toEqual(expected);
      expect(receiver.directReads).toBeGreaterThan(3);
      expect(receiver.heapMessages).toBe(0);
      receiver.close();
    }
  });

  test('is joined of large fragments, each of which lands where it stays', () => {
    const payload = longText(2 * MEBIBYTE, 3);
    const cuts = [0, 1, 300_001, 300_002, 900_000, 1_900_003];
    const stream = fragments(TEXT, payload, ...cuts).flatMap((part, i) => [
      part,
      frame({ opcode: PING, payload: String(i) }),
    ]);
    const receiver = new Receiver(on());
    for (const read of inPieces(Buffer.concat(stream), [70_000])) receiver.read(read);
    const pings = cuts.map((_, i) => event('ping', String(i)));
    const last = event('ping', String(cuts.length));
    expect(receiver.events).toEqual([...pings, event('text', payload), last]);
    expect(receiver.directReads).toBeGreaterThan(5);
    receiver.close();
  });

  test('is refused as soon as a byte that is not UTF-8 has landed there', () => {
    const payload = longText(MEBIBYTE, 5);
    payload[700_000] = 0xff;
    const stream = frame({ opcode: TEXT, payload });
    const at = stream.length - payload.length + 700_000;
    const receiver = new Receiver(on());
    for (const read of inPieces(stream.subarray(0, at), [50_000])) receiver.read(read);
    expect(receiver.lent).toBeDefined();
    expect(() => receiver.read(stream.subarray(at, at + 1))).toThrow(expect.objectContaining({ closeCode: 1007 }));
    receiver.close();
  });
});

describe('where the next read goes', () => {
  /** Reads a frame of `length` bytes, except for its last `remaining` bytes. */
  function readUpTo(length: number, remaining: number): Receiver {
    const receiver = new Receiver();
    const stream = frame({ opcode: BINARY, payload: noise(length) });
    receiver.read(stream.subarray(0, stream.length - remaining));
    return receiver;
  }

  test('is the window between messages, in a header, and before the first byte of a payload', () => {
    const receiver = new Receiver();
    const stream = frame({ opcode: BINARY, payload: noise(100_000) });
    for (let at = 0; at < 14; at++) {
      receiver.read(stream.subarray(at, at + 1));
      expect(receiver.lent).toBeUndefined();
    }
    receiver.close();
  });

  test('is the end of the message, for as much as is still to come of the frame or as there is room', () => {
    const receiver = readUpTo(200_000, 60_000);
    const { start, length } = { start: receiver.lent?.[0], length: receiver.lent?.[1] };
    expect(start).toBeGreaterThan(receiver.arena.outStart);
    expect(length).toBe(60_000);
    receiver.close();
    const other = readUpTo(MEBIBYTE, MEBIBYTE - 100_000);
    expect(other.lent?.[1]).toBeLessThan(400_000);
    other.close();
  });

  test('is the window when less than 16 KiB of a frame are still to come, so that what follows comes along', () => {
    for (const [length, remaining] of [
      [100_000, 16 * KIB - 1],
      [100_000, 1],
      [1000, 500],
      [40, 1],
    ] as const) {
      const receiver = readUpTo(length, remaining);
      expect(receiver.lent).toBeUndefined();
      receiver.close();
    }
    const receiver = readUpTo(100_000, 16 * KIB);
    expect(receiver.lent?.[1]).toBe(16 * KIB);
    receiver.close();
  });

  test('is the window again after the frame, even if the message goes on', () => {
    const receiver = new Receiver();
    const payload = noise(200_000);
    const [first, last] = fragments(BINARY, payload, 150_000) as [Buffer, Buffer];
    receiver.read(first.subarray(0, 100_000));
    expect(receiver.lent).toBeDefined();
    receiver.read(first.subarray(100_000));
    expect(receiver.lent).toBeUndefined();
    receiver.read(last);
    expect(receiver.events).toEqual([event('binary', payload)]);
    receiver.close();
  });
});

describe('memory is taken by what arrives, never by what a header declares', () => {
  test('for a frame that declares 1 GiB and sends little', () => {
    const receiver = new Receiver(rig(), 2 ** 30);
    const { slabs } = receiver.arena;
    const stream = frame({ opcode: BINARY, payload: noise(20_000), declaredLength: 2n ** 30n });
    receiver.read(stream.subarray(0, 14));
    expect(slabs.allocatedBytes).toBe(0);
    receiver.read(stream.subarray(14, 114));
    expect(slabs.allocatedBytes).toBe(128);
    receiver.read(stream.subarray(114));
    expect(slabs.allocatedBytes).toBeLessThanOrEqual(4 * 20_000);
    receiver.close();
  });

  test('for a header whose key is still to come', () => {
    const receiver = new Receiver();
    receiver.read(frame({ opcode: BINARY, payload: noise(1000) }).subarray(0, 7));
    expect(receiver.arena.slabs.allocatedBytes).toBe(0);
    receiver.close();
  });
});

describe('a message that does not fit the arena', () => {
  const on = () => rig('auto', MIN_ARENA_BYTES);

  test.each([
    ['text', TEXT, longText(2 * MEBIBYTE)],
    ['binary', BINARY, noise(2 * MEBIBYTE)],
  ] as const)('is %s that is reported from the heap', (name, opcode, payload) => {
    const stream = [
      frame({ opcode: TEXT, payload: 'before' }),
      frame({ opcode, payload }),
      ...fragments(opcode, payload, 100_000, MEBIBYTE),
      frame({ opcode: TEXT, payload: 'after' }),
    ];
    for (const size of [WINDOW_BYTES, 50_000]) {
      const receiver = new Receiver(on());
      for (const read of inPieces(Buffer.concat(stream), [size])) receiver.read(read);
      expect(receiver.events).toEqual(['text: before', event(name, payload), event(name, payload), 'text: after']);
      expect(receiver.heapMessages).toBe(2);
      receiver.close();
    }
  });

  test('is reported as lying on the heap, only while it is the last event', () => {
    const { arena, kernel } = on();
    const reader = new MaskedFrameReader(arena, kernel, 16 * MEBIBYTE);
    const stream = Buffer.concat([
      frame({ opcode: BINARY, payload: noise(600_000) }),
      frame({ opcode: BINARY, payload: noise(10) }),
    ]);
    const heap: boolean[] = [];
    for (const read of inPieces(stream, [100_000])) {
      arena.bytes.set(read, arena.windowStart);
      reader.feed(arena.windowStart, arena.windowStart + read.length);
      while (reader.next() !== FrameEvent.NONE) heap.push(reader.reportedFromHeap);
      expect(reader.reportedFromHeap).toBe(false);
    }
    expect(heap).toEqual([true, false]);
  });

  test('is not held any more after its event: its memory may be freed', () => {
    const { arena, kernel } = on();
    const reader = new MaskedFrameReader(arena, kernel, 16 * MEBIBYTE);
    for (const end of ['next', 'discard'] as const) {
      for (const read of inPieces(frame({ opcode: BINARY, payload: noise(600_000) }), [100_000])) {
        arena.bytes.set(read, arena.windowStart);
        reader.feed(arena.windowStart, arena.windowStart + read.length);
        if (reader.next() === FrameEvent.MESSAGE) expect(reader.bytes === arena.bytes).toBe(false);
      }
      reader[end]();
      expect(reader.bytes === arena.bytes).toBe(true);
      expect(reader.length).toBe(0);
    }
  });

  test('is overwritten on the heap as in the arena', () => {
    const { arena, kernel } = on();
    const reader = new MaskedFrameReader(arena, kernel, 16 * MEBIBYTE);
    for (const read of inPieces(frame({ opcode: BINARY, payload: noise(600_000) }), [100_000])) {
      arena.bytes.set(read, arena.windowStart);
      reader.feed(arena.windowStart, arena.windowStart + read.length);
      if (reader.next() !== FrameEvent.MESSAGE) continue;
      reader.overwrite(0x2a);
      const { bytes, start, length } = reader;
      expect(bytes.subarray(start, start + length).every((byte) => byte === 0x2a)).toBe(true);
    }
    reader.discard();
  });
});

describe('detachSlab', () => {
  const payload = noise(300_000);

  /** A reader whose last event is a message of `payload` in a slab. */
  function withReported(): MaskedFrameReader {
    const { arena, kernel } = rig();
    const reader = new MaskedFrameReader(arena, kernel, MEBIBYTE);
    for (const read of inPieces(frame({ opcode: BINARY, payload }), [100_000])) {
      arena.bytes.set(read, arena.windowStart);
      reader.feed(arena.windowStart, arena.windowStart + read.length);
      if (reader.next() === FrameEvent.MESSAGE) return reader;
    }
    throw new Error('no message');
  }

  test('leaves the message to the caller, while the reader goes on', () => {
    const { arena } = rig();
    const reader = withReported();
    const { start, length } = reader;
    const slab = reader.detachSlab();
    expect(slab).toEqual({ offset: start, capacity: 512 * KIB });
    reader.overwrite(0);
    expect(reader.next()).toBe(FrameEvent.NONE);
    const next = frame({ opcode: BINARY, payload: noise(100_000, 9) });
    for (const read of inPieces(next, [30_000])) {
      arena.bytes.set(read, arena.windowStart);
      reader.feed(arena.windowStart, arena.windowStart + read.length);
      while (reader.next() !== FrameEvent.NONE);
    }
    reader.discard();
    expect(arena.bytes.subarray(start, start + length).equals(payload)).toBe(true);
    expect(arena.slabs.allocatedSlabs).toBe(1);
    arena.slabs.free(start, 512 * KIB);
  });

  test('gives nothing the second time, nor after the next event', () => {
    const { arena } = rig();
    const reader = withReported();
    const slab = reader.detachSlab();
    expect(reader.detachSlab()).toBeUndefined();
    arena.slabs.free(slab?.offset as number, slab?.capacity as number);
    const other = withReported();
    other.next();
    expect(other.detachSlab()).toBeUndefined();
  });

  test('gives nothing for a message that lies in the window', () => {
    const { arena, kernel } = rig();
    const reader = new MaskedFrameReader(arena, kernel, 100);
    const stream = frame({ opcode: TEXT, payload: 'small' });
    arena.bytes.set(stream, arena.windowStart);
    reader.feed(arena.windowStart, arena.windowStart + stream.length);
    expect(reader.next()).toBe(FrameEvent.MESSAGE);
    expect(reader.detachSlab()).toBeUndefined();
    expect(reader.length).toBe(5);
  });
});

describe('connections that share a window', () => {
  const streams = Array.from({ length: 8 }, (_, i) => {
    const text = longText(1000 * (i + 1), i + 1);
    const binary = noise(27_000 * (i + 1), i + 1);
    return {
      bytes: Buffer.concat([
        frame({ opcode: TEXT, payload: `hello ${i}` }),
        ...fragments(TEXT, text, 1, 300, 301),
        frame({ opcode: PING, payload: noise(125, i + 1) }),
        frame({ opcode: BINARY, payload: binary }),
        frame({ opcode: TEXT, payload: text }),
      ]),
      expected: [
        `text: hello ${i}`,
        event('text', text),
        event('ping', noise(125, i + 1)),
        event('binary', binary),
        event('text', text),
      ],
    };
  });

  test.each([
    ['a large arena', 64 * MEBIBYTE],
    ['the smallest arena', MIN_ARENA_BYTES],
  ])('do not see each other\u2019s bytes in %s, whatever is in the window between their reads', (_name, arenaBytes) => {
    const on = rig('auto', arenaBytes);
    for (const size of [1, 3, 130, 4001, 66_001]) {
      const connections = streams.map(({ bytes }) => ({
        receiver: new Receiver(on),
        rest: bytes.subarray(0, size * 4000),
      }));
      for (let turn = 0; connections.some(({ rest }) => rest.length > 0); turn++) {
        for (const [i, connection] of connections.entries()) {
          const { receiver, rest } = connection;
          if (rest.length === 0) continue;
          const length = receiver.readOnce(rest.subarray(0, size + i));
          connection.rest = rest.subarray(length);
          if (size >= 130) spoilWindow(on.arena, turn * 8 + i);
          else on.arena.bytes.fill(turn, on.arena.windowStart - HEADROOM_BYTES, on.arena.windowStart + 1000);
        }
      }
      for (const [i, { receiver }] of connections.entries()) {
        const { expected, bytes } = streams[i] as (typeof streams)[0];
        if (size * 4000 >= bytes.length) expect(receiver.events).toEqual(expected);
        else expect(expected.slice(0, receiver.events.length)).toEqual(receiver.events);
        receiver.close();
      }
      expect(on.arena.slabs.allocatedSlabs).toBe(0);
    }
  });

  test('do not see the bytes of a read that is under way for a closing connection', () => {
    const on = rig();
    const { arena } = on;
    const closing = new Receiver(on);
    closing.read(frame({ opcode: BINARY, payload: noise(300_000) }).subarray(0, 150_000));
    const [offset, length] = closing.lent as [number, number];
    closing.reader.discard();
    expect(arena.slabs.allocatedSlabs).toBe(1);

    const payload = noise(500_000, 2);
    const open = new Receiver(on);
    for (const read of inPieces(frame({ opcode: BINARY, payload }), [50_000])) {
      open.read(read);
      arena.bytes.fill(0xbb, offset, offset + length); // the read that comes late
    }
    expect(open.events).toEqual([event('binary', payload)]);
    open.close();
    closing.reader.endLoan();
    expect(arena.slabs.allocatedSlabs).toBe(0);
  });
});

describe('an arena of 4 GiB', () => {
  let high: ReturnType<typeof makeRig>;

  beforeEach(() => {
    high = makeRig('auto', MAX_ARENA_BYTES);
  });

  test('has messages above 2 GiB like those below', () => {
    const { arena } = high;
    const gibibyte = 2 ** 30;
    const low = Array.from({ length: 3 }, () => arena.slabs.take(gibibyte));
    expect(low).not.toContain(-1);
    const text = longText(200_000);
    const stream = [...fragments(TEXT, text, 100_000), frame({ opcode: BINARY, payload: text })];
    const receiver = new Receiver(high);
    receiver.read(stream[0]?.subarray(0, 80_000) as Buffer);
    expect(receiver.lent?.[0]).toBeGreaterThan(3 * gibibyte);
    receiver.close();
    expect(receive(inPieces(Buffer.concat(stream), [30_000]), high).events).toEqual([
      event('text', text),
      event('binary', text),
    ]);
    for (const offset of low) arena.slabs.free(offset, gibibyte);
    expect(arena.slabs.allocatedSlabs).toBe(0);
  });
});

describe('an unfinished message', () => {
  test.each([
    ['in a header', 3],
    ['in a payload', 50_000],
    ['between fragments', 100_014],
  ])('is forgotten with its connection, %s, and its memory is given back', (_name, cut) => {
    const receiver = new Receiver();
    const stream = Buffer.concat([
      frame({ opcode: BINARY, fin: false, payload: noise(100_000) }),
      frame({ opcode: CONTINUATION, payload: noise(100) }),
    ]);
    receiver.read(stream.subarray(0, cut));
    receiver.close();
    expect(receiver.arena.slabs.allocatedSlabs).toBe(0);
    expect(receiver.events).toEqual([]);
  });
});
