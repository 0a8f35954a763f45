import { afterEach, describe, expect, test } from 'vitest';
import { KERNEL_CHOICES } from '../../dist/kernels/create-kernel.js';
import { HEADROOM_BYTES } from '../../dist/memory/arena.js';
import { FrameEvent } from '../../dist/protocol/frame-event.js';
import { MaskedFrameReader } from '../../dist/protocol/masked-frame-reader.js';
import { BINARY, CLOSE, frame, KEY, noise, PING, PONG, TEXT } from './client-frames.js';
import { byteByByte, event, eventsOf, expectNoSlabTaken, inPieces, Receiver, receive, rig } from './receiver.js';

afterEach(expectNoSlabTaken);

describe('the examples of section 5.7', () => {
  const maskedHello = [0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

  test('reads the masked text "Hello"', () => {
    expect(eventsOf(Buffer.from([0x81, 0x85, ...maskedHello]))).toEqual(['text: Hello']);
  });

  test('reads the masked Pong', () => {
    expect(eventsOf(Buffer.from([0x8a, 0x85, ...maskedHello]))).toEqual([event('pong', 'Hello')]);
  });

  test('reads 256 bytes behind a 16-bit length', () => {
    const payload = noise(256);
    const stream = frame({ opcode: BINARY, payload });
    expect([...stream.subarray(0, 4)]).toEqual([0x82, 0xfe, 0x01, 0x00]);
    expect(eventsOf(stream)).toEqual([event('binary', payload)]);
  });

  test('reads 64 KiB behind a 64-bit length', () => {
    const payload = noise(65536);
    const stream = frame({ opcode: BINARY, payload });
    expect([...stream.subarray(0, 10)]).toEqual([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]);
    expect(eventsOf(stream)).toEqual([event('binary', payload)]);
  });
});

describe('the three encodings of a length (section 5.2)', () => {
  test.each([
    0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 257, 32767, 32768, 65534, 65535, 65536, 65537, 131072, 1_000_003,
  ])('reads a message of %i bytes, whole and in pieces', (length) => {
    const payload = noise(length, length);
    const stream = frame({ opcode: BINARY, payload });
    const after = frame({ opcode: TEXT, payload: 'after' });
    const expected = [event('binary', payload), 'text: after'];
    expect(eventsOf(stream, after)).toEqual(expected);
    const both = Buffer.concat([stream, after]);
    for (const sizes of [[7], [1000, 1, 3], [65536]]) expect(receive(inPieces(both, sizes)).events).toEqual(expected);
  });

  test.each([0, 1, 124, 125])('reads a control frame of %i bytes (section 5.5)', (length) => {
    const payload = noise(length);
    for (const [opcode, name] of [
      [PING, 'ping'],
      [PONG, 'pong'],
      [CLOSE, 'close'],
    ] as const) {
      const stream = frame({ opcode, payload });
      expect(eventsOf(stream)).toEqual([event(name, payload)]);
      expect(receive(byteByByte(stream)).events).toEqual([event(name, payload)]);
    }
  });
});

describe('frames in a row', () => {
  test('are all read if one read brings them, in their order', () => {
    const frames = Array.from({ length: 1000 }, (_, i) =>
      frame({ opcode: [TEXT, BINARY, PING, PONG][i % 4] as number, payload: String(i) }),
    );
    const expected = Array.from({ length: 1000 }, (_, i) =>
      event((['text', 'binary', 'ping', 'pong'] as const)[i % 4] as 'text', String(i)),
    );
    expect(eventsOf(...frames)).toEqual(expected);
  });

  test('may be empty', () => {
    const empty = [TEXT, BINARY, PING, PONG, CLOSE].map((opcode) => frame({ opcode }));
    const expected = ['text: ', 'binary: ', 'ping: ', 'pong: ', 'close: '];
    expect(eventsOf(...empty)).toEqual(expected);
    expect(receive(byteByByte(Buffer.concat(empty))).events).toEqual(expected);
  });

  test('are read after a Close too: the connection ignores them', () => {
    expect(eventsOf(frame({ opcode: CLOSE }), frame({ opcode: TEXT, payload: 'late' }))).toEqual([
      'close: ',
      'text: late',
    ]);
  });

  test('are not changed by an empty read, anywhere in a frame', () => {
    const { arena, kernel } = rig();
    const reader = new MaskedFrameReader(arena, kernel, 1000);
    const at = arena.windowStart;
    for (const byte of frame({ opcode: TEXT, payload: 'x' })) {
      reader.feed(at, at);
      expect(reader.next()).toBe(FrameEvent.NONE);
      arena.bytes[at] = byte;
      reader.feed(at, at + 1);
      if (reader.next() === FrameEvent.MESSAGE) return;
    }
    expect.unreachable('the message never came');
  });

  test('give no event while bytes are missing, however often the reader is asked', () => {
    const { arena, kernel } = rig();
    const reader = new MaskedFrameReader(arena, kernel, 1000);
    const stream = frame({ opcode: TEXT, payload: 'xyz' });
    arena.bytes.set(stream, arena.windowStart);
    for (const [from, to] of [
      [0, 3],
      [3, 7],
    ] as const) {
      reader.feed(arena.windowStart + from, arena.windowStart + to);
      for (let i = 0; i < 3; i++) expect(reader.next()).toBe(FrameEvent.NONE);
    }
    reader.discard();
  });
});

describe.each(KERNEL_CHOICES)('unmasking (section 5.3), by the %s kernel', (choice) => {
  const keys = [KEY, [0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0x80], [0x01, 0x02, 0x04, 0x08]];

  test('meets byte i of the payload with byte i mod 4 of the key, for any key', () => {
    const payload = noise(1000);
    for (const key of keys) {
      for (const opcode of [BINARY, PING] as const) {
        const part = opcode === PING ? payload.subarray(0, 125) : payload;
        expect(receive([frame({ opcode, payload: part, key })], rig(choice)).events).toEqual([
          event(opcode === PING ? 'ping' : 'binary', part),
        ]);
      }
    }
  });

  test('keeps the phase of the key across reads of any size', () => {
    const payload = noise(5000);
    const key = [0x12, 0x34, 0x56, 0x78];
    const stream = frame({ opcode: BINARY, payload, key });
    for (let size = 1; size <= 40; size++) {
      expect(receive(inPieces(stream, [size, size + 1]), rig(choice)).events).toEqual([event('binary', payload)]);
    }
  });

  test('begins the phase anew with each frame', () => {
    const [one, two] = [noise(3, 1), noise(7, 2)];
    const stream = [
      frame({ opcode: BINARY, payload: one, fin: false, key: [1, 2, 3, 4] }),
      frame({ opcode: PING, payload: 'p', key: [9, 8, 7, 6] }),
      frame({ opcode: 0, payload: two, key: [5, 6, 7, 8] }),
    ];
    const expected = [event('ping', 'p'), event('binary', Buffer.concat([one, two]))];
    expect(receive(stream, rig(choice)).events).toEqual(expected);
    expect(receive([Buffer.concat(stream)], rig(choice)).events).toEqual(expected);
    expect(receive(byteByByte(Buffer.concat(stream)), rig(choice)).events).toEqual(expected);
  });
});

describe('what an event points to', () => {
  /** A reader whose window holds the stream from its start. */
  function fed(...stream: Uint8Array[]): MaskedFrameReader {
    const { arena, kernel } = rig();
    const reader = new MaskedFrameReader(arena, kernel, 1000);
    const bytes = Buffer.concat(stream);
    arena.bytes.set(bytes, arena.windowStart);
    reader.feed(arena.windowStart, arena.windowStart + bytes.length);
    return reader;
  }

  test('is the window itself for a message that one read brought whole', () => {
    const { arena } = rig();
    const reader = fed(frame({ opcode: TEXT, payload: 'in place' }));
    expect(reader.next()).toBe(FrameEvent.MESSAGE);
    expect(reader.bytes === arena.bytes).toBe(true);
    expect(reader.start).toBe(arena.windowStart + 6);
    expect(arena.bytes.toString('utf8', reader.start, reader.start + reader.length)).toBe('in place');
    expect(arena.slabs.allocatedSlabs).toBe(0);
  });

  test.each([
    [0, 6],
    [125, 6],
    [126, 8],
    [500, 8],
  ])('says that the client\u2019s header in front of %i bytes, %i bytes long, is vacated', (length, vacated) => {
    const reader = fed(frame({ opcode: BINARY, payload: noise(length) }));
    expect(reader.next()).toBe(FrameEvent.MESSAGE);
    expect(reader.vacated).toBe(vacated);
  });

  test('says that 14 bytes are vacated in front of a payload with a 64-bit length', () => {
    const { arena, kernel } = rig();
    const reader = new MaskedFrameReader(arena, kernel, 100_000);
    const stream = frame({ opcode: BINARY, payload: noise(65536) });
    arena.bytes.set(stream, arena.windowStart);
    reader.feed(arena.windowStart, arena.windowStart + stream.length);
    expect(reader.next()).toBe(FrameEvent.MESSAGE);
    expect(reader.vacated).toBe(14);
  });

  test('counts the bytes in front of the window as vacated when the header came with an earlier read', () => {
    const { arena, kernel } = rig();
    const reader = new MaskedFrameReader(arena, kernel, 1000);
    const stream = frame({ opcode: TEXT, payload: 'payload' });
    for (const part of [stream.subarray(0, 6), stream.subarray(6)]) {
      arena.bytes.set(part, arena.windowStart);
      reader.feed(arena.windowStart, arena.windowStart + part.length);
      if (part.length === 6) expect(reader.next()).toBe(FrameEvent.NONE);
    }
    expect(reader.next()).toBe(FrameEvent.MESSAGE);
    expect(reader.start).toBe(arena.windowStart);
    expect(reader.vacated).toBe(6);
    expect(reader.vacated).toBeLessThanOrEqual(HEADROOM_BYTES);
  });

  test('says that nothing is vacated in front of a message that was joined', () => {
    const reader = fed(
      frame({ opcode: TEXT, fin: false, payload: 'one ' }),
      frame({ opcode: PING, payload: 'ping' }),
      frame({ opcode: 0, payload: 'two' }),
    );
    expect(reader.next()).toBe(FrameEvent.PING);
    expect(reader.vacated).toBe(6);
    expect(reader.next()).toBe(FrameEvent.MESSAGE);
    expect(reader.vacated).toBe(0);
    reader.discard();
  });

  test('is overwritten on demand, and nothing else is', () => {
    const { arena } = rig();
    const reader = fed(frame({ opcode: TEXT, payload: 'secret' }), frame({ opcode: TEXT, payload: 'next' }));
    expect(reader.next()).toBe(FrameEvent.MESSAGE);
    const { start } = reader;
    reader.overwrite(0x2a);
    expect(arena.bytes.toString('utf8', start, start + 6)).toBe('******');
    expect(reader.next()).toBe(FrameEvent.MESSAGE);
    expect(arena.bytes.toString('utf8', reader.start, reader.start + reader.length)).toBe('next');
  });
});

describe('takeUnread', () => {
  const messages = ['one', 'two', 'three'];
  const stream = Buffer.concat(messages.map((payload) => frame({ opcode: TEXT, payload })));

  /** Reads a message, takes the rest back, overwrites the window, feeds the rest again; as long as there is any. */
  function readWithPauses(receiver: Receiver, reads: Iterable<Uint8Array>): string[] {
    const { arena, reader } = receiver;
    const events: string[] = [];
    const pending = [...reads];
    for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
      arena.bytes.set(part, arena.windowStart);
      reader.feed(arena.windowStart, arena.windowStart + part.length);
      if (reader.next() === FrameEvent.NONE) continue;
      events.push(event('text', reader.bytes.subarray(reader.start, reader.start + reader.length)));
      const unread = reader.takeUnread();
      if (unread !== undefined) pending.unshift(unread);
      arena.window.fill(0xaa);
    }
    receiver.close();
    return events;
  }

  test('gives back the bytes that were not read yet, to be fed again later', () => {
    const expected = messages.map((message) => event('text', message));
    expect(readWithPauses(new Receiver(), [stream])).toEqual(expected);
    for (let cut = 1; cut < stream.length; cut++) {
      const reads = [stream.subarray(0, cut), stream.subarray(cut)];
      expect(readWithPauses(new Receiver(), reads)).toEqual(expected);
    }
  });

  test('gives back the beginning of a header that an earlier read brought, too', () => {
    const { arena, kernel } = rig();
    const reader = new MaskedFrameReader(arena, kernel, 1000);
    arena.bytes.set(stream, arena.windowStart);
    reader.feed(arena.windowStart, arena.windowStart + 4);
    expect(reader.next()).toBe(FrameEvent.NONE);
    reader.feed(arena.windowStart + 4, arena.windowStart + stream.length);
    expect(reader.takeUnread()).toEqual(new Uint8Array(stream));
    expect(reader.next()).toBe(FrameEvent.NONE);
  });

  test('gives a copy with memory of its own', () => {
    const { arena, kernel } = rig();
    const reader = new MaskedFrameReader(arena, kernel, 1000);
    arena.bytes.set(stream, arena.windowStart);
    reader.feed(arena.windowStart, arena.windowStart + stream.length);
    const unread = reader.takeUnread();
    expect(unread?.buffer.byteLength).toBe(stream.length);
  });

  test('gives nothing when all bytes were read', () => {
    const { arena, kernel } = rig();
    const reader = new MaskedFrameReader(arena, kernel, 1000);
    expect(reader.takeUnread()).toBeUndefined();
    arena.bytes.set(stream, arena.windowStart);
    reader.feed(arena.windowStart, arena.windowStart + 4);
    expect(reader.next()).toBe(FrameEvent.NONE);
    expect(reader.takeUnread()).toBeUndefined();
  });
});

describe('discard', () => {
  test.each([
    ['in a header', 3],
    ['in a payload', 9],
    ['between frames', 11],
  ])('ends the events of what was fed, %s', (_name, cut) => {
    const { arena, kernel } = rig();
    const reader = new MaskedFrameReader(arena, kernel, 1000);
    const stream = Buffer.concat([
      frame({ opcode: TEXT, payload: 'first' }),
      frame({ opcode: TEXT, payload: 'second' }),
    ]);
    arena.bytes.set(stream, arena.windowStart);
    reader.feed(arena.windowStart, arena.windowStart + cut);
    reader.next();
    reader.feed(arena.windowStart + cut, arena.windowStart + stream.length);
    reader.discard();
    expect(reader.next()).toBe(FrameEvent.NONE);
    expect(reader.takeUnread()).toBeUndefined();
    expect(arena.slabs.allocatedSlabs).toBe(0);
  });
});
