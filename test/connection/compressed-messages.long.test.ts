/** Compressed messages (RFC 7692) from the frames of a client to the hooks of the handler. */
import { constants, deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Inflation } from '../../dist/compression/inflation.js';
import { HEAP_WINDOWS } from '../../dist/compression/window-slabs.js';
import type { Handler } from '../../dist/connection/handler.js';
import { createKernel } from '../../dist/kernels/create-kernel.js';
import { INFLATE_REGION_BYTES } from '../../dist/kernels/inflater.js';
import { Arena, ArenaError, WINDOW_BYTES } from '../../dist/memory/arena.js';
import type { DeflateDirection } from '../../dist/protocol/deflate/agreement.js';
import { Counter } from '../../dist/telemetry/counters.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { BitWriter, dynamic, FIXED_DISTANCES, FIXED_LITERALS, lengths } from '../deflate/bit-writer.js';
import { bytesOf, ODD_STREAMS } from '../deflate/odd-streams.js';
import { Dice } from '../fuzz/dice.js';
import { anyOptions, content, deflated } from '../kernels/deflated.js';
import { BINARY, CLOSE, clientClose, clientFrame, letters, PING, pattern, shown, TEXT } from './frames.js';
import { framesOf, type Peer, startThread, type ThreadOptions } from './thread.js';

const MIB = 1024 * 1024;
const CONTINUATION = 0;
const RSV1 = 0x40;
const WITHOUT_TAKEOVER: DeflateDirection = { windowBits: 15, contextTakeover: false };
const WITH_TAKEOVER: DeflateDirection = { windowBits: 15, contextTakeover: true };

/** A thread whose connections may receive compressed messages, and which notes what each connection is told. */
function inflating(options: ThreadOptions = {}) {
  const heard: string[] = [];
  const { handler } = options;
  const noting: Handler = {
    ...handler,
    message(connection, message) {
      heard.push(shown(message.isBinary ? BINARY : TEXT, message.borrow()));
      return handler?.message?.(connection, message);
    },
    close: (_connection, code) => void heard.push(`closed ${code}`),
  };
  const thread = startThread({ inflates: WITHOUT_TAKEOVER, poison: true, ...options, handler: noting });
  return { thread, heard, peer: thread.connect() };
}

type Thread = ReturnType<typeof inflating>['thread'];

/** A frame that begins a compressed message. */
function compressed(opcode: number, message: Uint8Array, fin = true): Buffer {
  return clientFrame(opcode | RSV1, message, { fin });
}

function text(of: string): Buffer {
  return compressed(TEXT, deflated(Buffer.from(of)));
}

/** `length` zeros, compressed as well as zlib can. */
function zeros(length: number): Buffer {
  return deflated(Buffer.alloc(length), { level: 9 });
}

/** So many blocks of a header and nothing else, which take long to inflate. */
function madeOfHeaders(count: number): BitWriter {
  const writer = new BitWriter();
  for (let i = 0; i < count; i++) {
    dynamic(writer, { literals: lengths(257, { 65: 1, 256: 1 }), distances: [0] }).code('1');
  }
  return writer;
}

/** Takes all slabs of the arena. @returns what gives them back */
function takeAll({ arena: { slabs } }: Thread): () => void {
  const taken: [offset: number, bytes: number][] = [];
  for (let bytes = 512 * 1024; bytes >= 64; bytes /= 2) {
    for (let offset = slabs.take(bytes); offset >= 0; offset = slabs.take(bytes)) taken.push([offset, bytes]);
  }
  return () => {
    for (const [offset, bytes] of taken) slabs.free(offset, bytes);
  };
}

/** Each look at the clock of the thread's slices finds it a millisecond later. */
function letTimePass(thread: Thread): void {
  let ms = 0;
  Object.defineProperty(thread, 'handledMs', { get: () => ++ms });
}

/** The next iteration of the event loop. */
async function iteration(thread: Thread): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  thread.settle();
}

describe('a compressed message', () => {
  test('is inflated, text and binary, however its frames are cut into reads', () => {
    const stream = Buffer.concat([
      text('Grüße'),
      compressed(BINARY, deflated(pattern(300))),
      clientFrame(TEXT, 'plain'),
      compressed(BINARY, deflated(Buffer.alloc(0))),
      text('Hello'),
    ]);
    const messages = [Buffer.from('Grüße'), pattern(300), Buffer.alloc(0), Buffer.from('Hello')];
    const fromBytes = messages.reduce((sum, message) => sum + deflated(message).length, 0);
    for (let cut = 0; cut <= stream.length; cut++) {
      const { thread, heard, peer } = inflating();
      peer.wire.arrive(stream.subarray(0, cut));
      peer.wire.arrive(stream.subarray(cut));
      expect(heard, `cut at ${cut}`).toEqual([
        shown(TEXT, 'Grüße'),
        shown(BINARY, pattern(300)),
        shown(TEXT, 'plain'),
        shown(BINARY, ''),
        shown(TEXT, 'Hello'),
      ]);
      expect(thread.counters.get(Counter.MESSAGES_IN)).toBe(5);
      expect(thread.counters.get(Counter.INFLATED_MESSAGES)).toBe(4);
      expect(thread.counters.get(Counter.INFLATED_BYTES)).toBe(7 + 300 + 0 + 5);
      expect(thread.counters.get(Counter.INFLATED_FROM_BYTES)).toBe(fromBytes);
      thread.forget(peer);
    }
  });

  test('is joined of its fragments, which are cut anywhere, with a ping between them', () => {
    const message = deflated(Buffer.from(letters(200)));
    for (let cut = 0; cut <= message.length; cut++) {
      const { heard, peer } = inflating({ poison: false });
      peer.wire.arrive(
        compressed(TEXT, message.subarray(0, cut), false),
        clientFrame(PING, 'between'),
        clientFrame(CONTINUATION, '', { fin: false }),
        clientFrame(CONTINUATION, message.subarray(cut)),
      );
      expect(heard).toEqual([shown(TEXT, letters(200))]);
      expect(framesOf(peer)).toEqual(['pong "between"']);
    }
  });

  test('comes in its place among plain ones, small ones that a scan finds too', () => {
    const { heard, peer } = inflating({ poison: false });
    const names = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    peer.wire.arrive(...names.map((name, i) => (i % 7 === 3 ? text(name) : clientFrame(TEXT, name))));
    expect(heard).toEqual(names.map((name) => shown(TEXT, name)));
  });

  test('can be sent back, published and kept, at every size, to a peer that takes nothing at first', () => {
    const kept: Uint8Array[] = [];
    const sizes = [0, 5, 125, 9000, 70_000, 200_000, 1_000_000];
    const handler: Handler = {
      open: (connection) => connection.subscribe('all'),
      message(connection, message) {
        connection.send(message);
        connection.publish('all', message);
        kept.push(message.bytes());
      },
    };
    for (const isSlow of [false, true]) {
      const { thread, peer } = inflating({ handler, highWaterMarkBytes: 100 * MIB });
      const other = thread.connect();
      if (isSlow) for (const { wire } of [peer, other]) wire.takes = (offered) => offered >> 1;
      const frames = sizes.map((size) => shown(BINARY, pattern(size)));
      for (const size of sizes) peer.wire.arrive(compressed(BINARY, deflated(pattern(size))));
      for (const { wire } of [peer, other]) {
        wire.takes = (offered) => offered;
        wire.drain();
      }
      expect(framesOf(peer)).toEqual(frames);
      expect(framesOf(other)).toEqual(frames);
      expect(kept.splice(0).map((bytes) => shown(BINARY, bytes))).toEqual(frames);
    }
  });

  test.each(['wasm', 'native'] as const)(
    'of several megabytes is inflated by %s, with reads to where it stays',
    (kernel) => {
      const { thread, heard, peer } = inflating({ arenaBytes: 32 * MIB, deflateKernel: kernel });
      const random = compressed(BINARY, deflated(pattern(2 * MIB)));
      peer.wire.arrive(random.subarray(0, 300_000));
      expect(peer.wire.target).toBeDefined();
      peer.wire.arrive(random.subarray(300_000), compressed(BINARY, zeros(4 * MIB)), clientFrame(TEXT, 'behind'));
      expect(heard).toEqual([
        shown(BINARY, pattern(2 * MIB)),
        shown(BINARY, Buffer.alloc(4 * MIB)),
        shown(TEXT, 'behind'),
      ]);
      expect(thread.allocatedSlabs).toBe(0);
    },
  );

  test('is void outside of its callback, and overwritten in poison mode', () => {
    const views: Uint8Array[] = [];
    const stale: { text(): string }[] = [];
    const { thread, peer } = inflating({
      handler: {
        message(_connection, message) {
          views.push(message.borrow());
          stale.push(message);
        },
      },
    });
    peer.wire.arrive(text(letters(300_000)), text('one'));
    expect(views.map((view) => [...new Set(view)])).toEqual([[0xdb], [0xdb]]);
    for (const message of stale) expect(() => message.text()).toThrow('void');
    expect(thread.failures).toEqual([]);
  });

  test('is overwritten in poison mode also behind one that waits to be sent where it lies', () => {
    const views: Uint8Array[] = [];
    const { peer } = inflating({
      handler: {
        message(connection, message) {
          views.push(message.borrow());
          if (views.length === 1) connection.send(message);
        },
      },
    });
    peer.wire.takes = () => 0;
    peer.wire.arrive(text(letters(300_000)), text('one'));
    expect(views.map((view) => shown(TEXT, view))).toEqual([
      shown(TEXT, letters(300_000)),
      shown(TEXT, Buffer.alloc(3, 0xdb)),
    ]);
  });
});

describe('each odd stream of the corpus', () => {
  test.each(ODD_STREAMS.map((stream) => [stream.name, stream] as const))('%s', (_name, stream) => {
    for (const deflateKernel of ['wasm', 'native'] as const) {
      const { heard, peer } = inflating({ inflates: WITH_TAKEOVER, deflateKernel });
      const { message, history, verdict, output } = stream;
      if (history !== undefined) {
        peer.wire.arrive(compressed(BINARY, deflated(bytesOf(history))));
        heard.splice(0);
      }
      peer.wire.arrive(compressed(BINARY, message));
      if (output !== undefined) {
        expect(heard).toEqual([shown(BINARY, bytesOf(output))]);
        continue;
      }
      expect(framesOf(peer).at(-1)).toMatch(/^close 1007 "corrupt compressed message/);
      expect(framesOf(peer).at(-1)).toContain(verdict.toLowerCase().replaceAll('_', ' '));
      expect(heard).toEqual([]);
    }
  });
});

describe('the reserved bit', () => {
  test.each([
    ['of a compressed message where none was negotiated', undefined, [text('x')]],
    ['in a continuation', WITHOUT_TAKEOVER, [compressed(TEXT, zeros(9), false), clientFrame(CONTINUATION | RSV1, 'x')]],
    ['in a ping', WITHOUT_TAKEOVER, [clientFrame(PING | RSV1, 'x')]],
    ['in a Close', WITHOUT_TAKEOVER, [clientFrame(CLOSE | RSV1, '')]],
    ['RSV2', WITHOUT_TAKEOVER, [clientFrame(TEXT | 0x20, 'x')]],
    ['RSV1 with RSV3', WITHOUT_TAKEOVER, [clientFrame(TEXT | RSV1 | 0x10, 'x')]],
  ])('%s closes with 1002', (_what, inflates, frames) => {
    const { thread, peer, heard } = inflates === undefined ? plain() : inflating({ inflates });
    peer.wire.arrive(...frames);
    expect(framesOf(peer)).toEqual([expect.stringMatching(/^close 1002 "reserved bits/)]);
    expect(heard).toEqual([]);
    expect(thread.counters.get(Counter.PROTOCOL_ERRORS)).toBe(1);
  });

  function plain() {
    const heard: string[] = [];
    const thread = startThread({ handler: { message: (_connection, message) => void heard.push(message.text()) } });
    return { thread, heard, peer: thread.connect() };
  }
});

describe('the window of the peer', () => {
  /** A client with context takeover. */
  class Sender {
    readonly #bits: number;
    #history = Buffer.alloc(0);

    constructor(bits: number) {
      this.#bits = bits;
    }

    frame(message: Buffer, options: Parameters<typeof deflateRawSync>[1] = {}): Buffer {
      const windowBits = Math.max(9, this.#bits);
      const stream = deflateRawSync(message, {
        ...options,
        windowBits,
        ...(this.#history.length > 0 && { dictionary: this.#history }),
        finishFlush: constants.Z_SYNC_FLUSH,
      });
      this.#history = Buffer.concat([this.#history, message]).subarray(-(2 ** windowBits));
      return compressed(BINARY, stream.subarray(0, -4));
    }
  }

  test.each([8, 9, 10, 11, 12, 13, 14, 15])(
    'of 2^%i bytes holds what the messages before have ended with',
    (windowBits) => {
      const dice = new Dice(15, windowBits);
      const { thread, heard, peer } = inflating({
        inflates: { windowBits, contextTakeover: true },
        arenaBytes: 16 * MIB,
      });
      const sender = new Sender(windowBits);
      const expected: string[] = [];
      const phrases = Array.from({ length: 8 }, () => content(dice, 3000));
      for (let i = 0; i < 60; i++) {
        const message = Buffer.concat([
          dice.pick(phrases),
          content(dice, i % 20 === 0 ? 300_000 : 2000),
          dice.pick(phrases),
        ]);
        expected.push(shown(BINARY, message));
        const { level, strategy, memLevel } = anyOptions(dice);
        const isPlain = dice.chance(0.2);
        peer.wire.arrive(
          isPlain
            ? clientFrame(BINARY, message)
            : sender.frame(message, { level: level ?? 6, strategy: strategy ?? 0, memLevel: memLevel ?? 8 }),
        );
      }
      expect(heard).toEqual(expected);
      expect(framesOf(peer)).toEqual([]);
      expect(thread.allocatedSlabs).toBe(0);
    },
  );

  test('is the own of each connection', () => {
    const { thread, heard } = inflating({ inflates: WITH_TAKEOVER });
    const peers = Array.from({ length: 5 }, () => ({ peer: thread.connect(), sender: new Sender(15) }));
    for (let round = 0; round < 4; round++) {
      for (const [who, { peer, sender }] of peers.entries()) {
        const message = Buffer.from(`the same in each round of ${letters(300, who)}`);
        peer.wire.arrive(sender.frame(message));
        expect(heard.at(-1)).toBe(shown(BINARY, message));
      }
    }
  });

  test('is not kept without context takeover: a match into an earlier message is corrupt', () => {
    const { heard, peer } = inflating();
    const sender = new Sender(15);
    const message = Buffer.from(letters(200));
    peer.wire.arrive(sender.frame(message), sender.frame(message));
    expect(heard).toEqual([shown(BINARY, message)]);
    expect(framesOf(peer)).toEqual([expect.stringMatching(/^close 1007 .*too far/)]);
  });

  test('does not reach farther back than its size', () => {
    const { heard, peer } = inflating({ inflates: { windowBits: 9, contextTakeover: true } });
    const message = pattern(600);
    peer.wire.arrive(compressed(BINARY, deflated(message)));
    // A match of three bytes: fixed codes, a distance of 512 or 513, and the end of the block.
    const far = (symbol: number, extra: number) =>
      new BitWriter()
        .number(2, 3)
        .code(FIXED_LITERALS[257] ?? '')
        .code(FIXED_DISTANCES[symbol] ?? '')
        .number(extra, symbol === 17 ? 7 : 8)
        .code(FIXED_LITERALS[256] ?? '')
        .end().buffer;
    peer.wire.arrive(compressed(BINARY, far(17, 127)));
    expect(heard.at(-1)).toBe(shown(BINARY, message.subarray(88, 91)));
    const other = inflating({ inflates: { windowBits: 9, contextTakeover: true } });
    other.peer.wire.arrive(compressed(BINARY, deflated(message)), compressed(BINARY, far(18, 0)));
    expect(framesOf(other.peer)).toEqual([expect.stringMatching(/^close 1007 .*too far/)]);
  });
});

describe('compressed text', () => {
  const broken = Buffer.from([0x61, 0xc3, 0x28, 0x62]);

  test.each([
    ['a byte that is not UTF-8', broken],
    ['a character that is cut', Buffer.from([0x61, 0xe2, 0x82])],
    ['a byte that is not UTF-8 far inside', Buffer.concat([Buffer.from(letters(600_000)), broken])],
    ['nothing but the beginning of a character', Buffer.from([0xf0])],
  ])('with %s closes with 1007', (_what, bytes) => {
    for (const deflateKernel of ['wasm', 'native'] as const) {
      const { heard, peer } = inflating({ deflateKernel });
      peer.wire.arrive(compressed(TEXT, deflated(bytes)));
      expect(framesOf(peer)).toEqual([expect.stringMatching(/^close 1007 "text that is not UTF-8/)]);
      expect(heard).toEqual([]);
    }
  });

  test('may have characters across every place where inflating pauses', () => {
    for (const shift of [0, 1, 2]) {
      const { heard, peer } = inflating();
      const long = `${'x'.repeat(shift)}${'€'.repeat(400_000)}`;
      peer.wire.arrive(text(long));
      expect(heard).toEqual([shown(TEXT, long)]);
    }
  });

  test('is not judged by its compressed bytes, and binary not at all', () => {
    const { heard, peer } = inflating();
    peer.wire.arrive(compressed(BINARY, deflated(broken)), compressed(TEXT, deflated(Buffer.from('ÿ'.repeat(9)))));
    expect(heard).toEqual([shown(BINARY, broken), shown(TEXT, 'ÿ'.repeat(9))]);
  });
});

describe('maxPayloadBytes', () => {
  const limits = [1, 300, 5000, 98_304, 98_305, 131_072, 250_000, 1_000_000];

  test.each(limits)('of %i bytes is met by a message of just as many', (maxPayloadBytes) => {
    const { heard, peer } = inflating({ maxPayloadBytes });
    const bytes = Buffer.alloc(maxPayloadBytes, 'ab');
    const random = pattern(maxPayloadBytes).map((byte) => byte & 1);
    for (const message of [bytes, random])
      peer.wire.arrive(compressed(BINARY, maxPayloadBytes === 1 ? Buffer.of(0x4b) : deflated(message)));
    if (maxPayloadBytes > 1) expect(heard).toEqual([shown(BINARY, bytes), shown(BINARY, random)]);
  });

  test.each(limits)(
    'of %i bytes closes with 1009 for one byte more, and says how much it would have become',
    (maxPayloadBytes) => {
      for (const deflateKernel of ['wasm', 'native'] as const) {
        if (maxPayloadBytes < 300) continue; // the compressed message is longer
        const { thread, heard, peer } = inflating({ maxPayloadBytes, deflateKernel });
        const bomb = deflated(Buffer.alloc(maxPayloadBytes + 1, 'ab'));
        const middle = bomb.length >> 1;
        peer.wire.arrive(
          compressed(TEXT, bomb.subarray(0, middle), false),
          clientFrame(CONTINUATION, bomb.subarray(middle)),
        );
        expect(framesOf(peer)).toEqual([
          expect.stringMatching(
            new RegExp(
              `^close 1009 "compressed message of ${bomb.length} bytes that becomes ${Math.floor(maxPayloadBytes / bomb.length)} times`,
            ),
          ),
        ]);
        expect(heard).toEqual([]);
        expect(thread.incidents).toEqual([LimitIncident.PROTOCOL_ERRORS.what]);
        const ratio = Math.floor(maxPayloadBytes / bomb.length);
        expect(thread.details).toEqual([
          expect.stringMatching(
            new RegExp(`${bomb.length} bytes that becomes ${ratio} times as long or longer.*\\(maxPayloadBytes\\)`),
          ),
        ]);
        expect(thread.allocatedSlabs).toBe(0);
      }
    },
  );

  test.each(['wasm', 'native'] as const)(
    'what a refused message had become until then is counted: %s',
    (deflateKernel) => {
      const latin = deflated(Buffer.alloc(300, 0xff));
      const cut = deflated(Buffer.from(letters(60_000)));
      const refused: [message: Buffer, least: number, most: number][] = [
        [compressed(BINARY, zeros(1_000_000)), 20_000 - 257, 20_000],
        [compressed(TEXT, latin), 300, 300],
        [compressed(TEXT, cut.subarray(0, 10_000)), deflateKernel === 'wasm' ? 1000 : 0, 20_000],
      ];
      for (const [frame, least, most] of refused) {
        const { thread, heard, peer } = inflating({ maxPayloadBytes: 20_000, deflateKernel });
        peer.wire.arrive(frame);
        expect(heard).toEqual([]);
        expect(framesOf(peer)).toEqual([expect.stringMatching(/^close 100[79]/)]);
        const inflatedBytes = thread.counters.get(Counter.INFLATED_BYTES);
        expect(inflatedBytes).toBeGreaterThanOrEqual(least);
        expect(inflatedBytes).toBeLessThanOrEqual(most);
        expect(thread.counters.get(Counter.INFLATED_MESSAGES)).toBe(0);
      }
    },
  );

  test('bounds the compressed bytes too, of all fragments together, and as they are declared', () => {
    const { peer } = inflating({ maxPayloadBytes: 1000 });
    peer.wire.arrive(compressed(BINARY, pattern(600), false), clientFrame(CONTINUATION, pattern(600)).subarray(0, 8));
    expect(framesOf(peer)).toEqual([expect.stringMatching(/^close 1009 "message of 1200 bytes/)]);
  });
});

describe.each(['wasm', 'native'] as const)('a message that takes long to inflate by %s', (deflateKernel) => {
  test('lets others come first, and what is behind it comes behind it', async () => {
    const { thread, heard, peer } = inflating({ deflateKernel, arenaBytes: 16 * MIB, inflates: WITH_TAKEOVER });
    letTimePass(thread);
    const other = thread.connect();
    peer.wire.arrive(
      compressed(BINARY, zeros(1_000_000)),
      text('after it'),
      clientFrame(TEXT, 'plain'),
      clientFrame(PING, 'ping'),
    );
    expect(heard).toEqual([]);
    const rounds: number[] = [];
    for (let i = 0; heard.length < 100 && framesOf(peer).length === 0; i++) {
      other.wire.arrive(text(`other ${i}`));
      rounds.push(i);
      await iteration(thread);
    }
    expect(rounds.length).toBeGreaterThan(4);
    const expected = rounds.map((i) => shown(TEXT, `other ${i}`));
    expect(heard.filter((line) => line.includes('other'))).toEqual(expected);
    expect(heard.filter((line) => !line.includes('other'))).toEqual([
      shown(BINARY, Buffer.alloc(1_000_000)),
      shown(TEXT, 'after it'),
      shown(TEXT, 'plain'),
    ]);
    expect(framesOf(peer)).toEqual(['pong "ping"']);
  });

  test.each([
    ['in the window', 1],
    ['in a slab', 400_000],
  ])('is inflated right with its input %s, while many others are', async (_where, noise) => {
    const { thread, heard } = inflating({
      deflateKernel,
      arenaBytes: 64 * MIB,
      inflates: WITH_TAKEOVER,
      poison: false,
    });
    letTimePass(thread);
    const messages = Array.from({ length: 6 }, (_, who) =>
      Buffer.concat([pattern(noise, who), Buffer.alloc(700_000, letters(30, who)), pattern(100, who)]),
    );
    const peers = messages.map(() => thread.connect());
    for (const [who, { wire }] of peers.entries()) {
      const history = Buffer.from(letters(20_000, who));
      wire.arrive(compressed(BINARY, deflated(history)));
      await iteration(thread);
      const stream = deflateRawSync(messages[who] as Buffer, {
        dictionary: history,
        finishFlush: constants.Z_SYNC_FLUSH,
      });
      wire.arrive(compressed(BINARY, stream.subarray(0, -4)));
    }
    while (heard.length < 12) await iteration(thread);
    const expected = messages.flatMap((message, who) => [shown(BINARY, letters(20_000, who)), shown(BINARY, message)]);
    expect([...heard].sort()).toEqual(expected.sort());
    expect(thread.allocatedSlabs).toBe(0);
  });

  test('counts as held by its connection until it is handed out, with all that it takes', async () => {
    const { thread, heard, peer } = inflating({ deflateKernel, arenaBytes: 16 * MIB });
    letTimePass(thread);
    peer.wire.arrive(compressed(BINARY, zeros(1_000_000)));
    const input = 1024; // what 1 MB of zeros become
    const aside = deflateKernel === 'wasm' ? INFLATE_REGION_BYTES : 48 * 1024;
    expect(peer.connection.heldBytes).toBe(256 * 1024 + input + aside);
    expect(thread.budget.bytes).toBe(peer.connection.heldBytes);
    expect(peer.connection.isQuiet).toBe(false);
    expect(peer.connection.heldSinceMs).toBe(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < 200 && heard.length === 0; i++) await iteration(thread);
    expect(thread.budget.bytes).toBe(0);
    expect(peer.connection.isQuiet).toBe(true);
  });

  const endings: readonly (readonly [what: string, end: (peer: Peer) => void, code: number])[] = [
    ['is shed', (peer) => peer.connection.shed(), 1013],
    ['is lost', (peer) => peer.wire.lose(), 1006],
    ['is terminated', (peer) => peer.connection.terminate(), 1006],
  ];
  test.each(endings)('is forgotten if its connection %s meanwhile', async (_what, end, code) => {
    const { thread, heard, peer } = inflating({ deflateKernel });
    letTimePass(thread);
    peer.wire.arrive(compressed(BINARY, zeros(1_000_000)), text('behind'));
    await iteration(thread);
    expect(thread.allocatedSlabs).toBeGreaterThan(0);
    thread.inTurn(() => end(peer));
    for (let i = 0; i < 20; i++) await iteration(thread);
    if (!peer.wire.isClosed) peer.wire.lose();
    expect(heard).toEqual([`closed ${code}`]);
    expect(thread.allocatedSlabs).toBe(0);
    expect(thread.budget.bytes).toBe(0);
  });

  test('is dropped if its connection closes meanwhile, and the Close behind it is still seen', async () => {
    const { thread, heard, peer } = inflating({ deflateKernel });
    letTimePass(thread);
    peer.wire.arrive(compressed(BINARY, zeros(1_000_000)), compressed(BINARY, zeros(1_000_000)), clientClose(4000));
    const inflatedBytes = thread.counters.get(Counter.INFLATED_BYTES);
    thread.inTurn(() => peer.connection.close(4001));
    await iteration(thread);
    peer.wire.fin();
    expect(framesOf(peer)).toEqual(['close 4001']);
    expect(heard).toEqual(['closed 4000']);
    expect(thread.counters.get(Counter.INFLATED_BYTES)).toBe(inflatedBytes); // nobody wants the rest of it
    expect(thread.allocatedSlabs).toBe(0);
  });

  test('is handed out before the connection ends, if the peer ends it right behind', async () => {
    const { thread, heard, peer } = inflating({ deflateKernel });
    letTimePass(thread);
    peer.wire.arrive(compressed(BINARY, zeros(1_000_000)));
    peer.wire.fin();
    for (let i = 0; i < 50; i++) await iteration(thread);
    expect(heard[0]).toBe(shown(BINARY, Buffer.alloc(1_000_000)));
    expect(peer.wire.isEnded).toBe(true);
  });

  test('that is corrupt at its end, or too long, is refused late', async () => {
    for (const [stream, code] of [
      [zeros(1_000_000).subarray(0, -5), 1007],
      [zeros(3_000_000), 1009],
    ] as const) {
      const { thread, heard, peer } = inflating({ deflateKernel, maxPayloadBytes: 2_000_000 });
      letTimePass(thread);
      peer.wire.arrive(compressed(BINARY, stream), text('behind'));
      for (let i = 0; i < 50 && framesOf(peer).length === 0; i++) await iteration(thread);
      expect(framesOf(peer)).toEqual([expect.stringMatching(new RegExp(`^close ${code}`))]);
      expect(heard).toEqual([]);
      expect(thread.allocatedSlabs).toBe(0);
    }
  });

  test('made of headers without an end lets others come first too', async () => {
    // Blocks with codes of their own, and with nothing but their ends.
    const headers = new BitWriter();
    for (let i = 0; i < 1000; i++)
      dynamic(headers, { literals: lengths(257, { 65: 1, 256: 1 }), distances: [0] }).code('1');
    const { thread, heard, peer } = inflating({ deflateKernel });
    letTimePass(thread);
    peer.wire.arrive(compressed(BINARY, headers.end().buffer));
    expect(heard).toEqual([]);
    let iterations = 0;
    for (; heard.length === 0 && iterations < 100; iterations++) await iteration(thread);
    expect(heard).toEqual([shown(BINARY, '')]);
    expect(iterations).toBeGreaterThan(3);
  });
});

test('many short messages made of headers let others come first too', async () => {
  const { thread, heard, peer } = inflating();
  letTimePass(thread);
  const frame = compressed(BINARY, madeOfHeaders(60).end().buffer);
  peer.wire.arrive(...Array<Buffer>(15).fill(frame));
  expect(heard.length).toBeLessThan(15);
  for (let i = 0; i < 20; i++) await iteration(thread);
  expect(heard).toEqual(Array(15).fill(shown(BINARY, '')));
});

test('a message that waits may still refer to the messages before', async () => {
  const { thread, heard, peer } = inflating({ inflates: WITH_TAKEOVER });
  letTimePass(thread);
  peer.wire.arrive(compressed(BINARY, deflated(Buffer.from('abcdef'))));
  const writer = madeOfHeaders(400)
    .number(2, 3)
    .code(FIXED_LITERALS[257] ?? '')
    .code(FIXED_DISTANCES[4] ?? '')
    .number(1, 1); // three bytes, six back
  peer.wire.arrive(compressed(BINARY, writer.code(FIXED_LITERALS[256] ?? '').end().buffer));
  for (let i = 0; i < 20; i++) await iteration(thread);
  expect(heard).toEqual([shown(BINARY, 'abcdef'), shown(BINARY, 'abc')]);
});

test('a message behind our own Close is not inflated, and so not judged', () => {
  const { thread, heard, peer } = inflating();
  thread.inTurn(() => peer.connection.close(4001));
  peer.wire.arrive(compressed(BINARY, Buffer.of(6)), clientClose(4000));
  peer.wire.fin();
  expect(heard).toEqual(['closed 4000']);
  expect(thread.counters.get(Counter.PROTOCOL_ERRORS)).toBe(0);
  expect(thread.counters.get(Counter.INFLATED_BYTES)).toBe(0);
});

test('in poison mode, a byte written beyond the bounds of the inflater is noticed', () => {
  const arena = new Arena(2 * MIB);
  const inflation = new Inflation(arena, HEAP_WINDOWS, createKernel('auto', arena.memory), { kernel: 'wasm' }, true);
  const start = inflation.scratchOutput;
  const check = () => inflation.checkWatched(start, start + 1000);
  inflation.watch(start, start + 1000);
  arena.bytes.fill(0, start, start + 1000);
  expect(check).not.toThrow();
  for (const at of [start - 64, start - 1, start + 1000, start + 1063]) {
    inflation.watch(start, start + 1000);
    arena.bytes[at] = 0;
    expect(check, `at ${at - start}`).toThrow('beyond its bounds');
  }
});

test('an arena that has no room for what inflating needs is refused', () => {
  const arena = new Arena(MIB);
  const kernel = createKernel('auto', arena.memory);
  new Inflation(arena, HEAP_WINDOWS, kernel, { kernel: 'wasm' });
  new Inflation(arena, HEAP_WINDOWS, kernel, { kernel: 'wasm' });
  expect(() => new Inflation(arena, HEAP_WINDOWS, kernel, { kernel: 'wasm' })).toThrow(ArenaError);
});

describe('an arena that others fill', () => {
  const long = () => compressed(BINARY, zeros(500_000));

  test('with parts of messages has room to inflate', () => {
    const { thread, heard, peer } = inflating({ arenaBytes: 8 * MIB });
    for (let bytes = MIB; bytes >= 64; bytes /= 2) {
      const part = clientFrame(BINARY, pattern(2 * bytes)).subarray(0, bytes);
      for (let i = 0; i < 8; i++) thread.connect().wire.arrive(part);
    }
    expect(thread.arena.slabs.allocatedBytes).toBeGreaterThan(4 * MIB);
    peer.wire.arrive(long());
    expect(heard).toEqual([shown(BINARY, Buffer.alloc(500_000))]);
  });

  test('with messages that were inflated, and are not taken by those who get them, has room for more', () => {
    const { thread, heard } = inflating({
      arenaBytes: 8 * MIB,
      handler: { message: (connection, message) => void connection.send(message) },
    });
    for (let i = 1; i <= 20; i++) {
      const { wire } = thread.connect();
      wire.takes = () => 0;
      wire.arrive(long());
      expect(heard).toHaveLength(i);
    }
    expect(thread.arena.slabs.allocatedBytes).toBeGreaterThan(4 * MIB);
    for (const { wire } of thread.peers) {
      wire.takes = (offered) => offered;
      wire.drain();
    }
    expect(heard).toHaveLength(20);
  });
});

describe('an arena without room', () => {
  test('closes with 1013 what does not fit in the scratch, and takes what does', () => {
    const { thread, heard, peer } = inflating({ arenaBytes: MIB });
    const giveBack = takeAll(thread);
    peer.wire.arrive(compressed(BINARY, zeros(98_000)), text('Hello'));
    expect(heard).toEqual([shown(BINARY, Buffer.alloc(98_000)), shown(TEXT, 'Hello')]);
    peer.wire.arrive(compressed(BINARY, zeros(200_000)));
    expect(framesOf(peer)).toEqual(['close 1013 "no room for a compressed message"']);
    expect(thread.incidents).toEqual([LimitIncident.NO_ROOM.what]);
    const second = thread.connect();
    const onHeap = compressed(BINARY, deflated(pattern(5000)));
    second.wire.arrive(onHeap.subarray(0, 2000));
    second.wire.arrive(onHeap.subarray(2000));
    expect(framesOf(second)).toEqual(['close 1013 "no room for a compressed message"']);
    giveBack();
    const third = thread.connect();
    third.wire.arrive(onHeap);
    expect(heard.at(-1)).toBe(shown(BINARY, pattern(5000)));
  });

  test('closes with 1013 a message that would have to wait', () => {
    const { thread, peer } = inflating({ arenaBytes: MIB });
    letTimePass(thread);
    const giveBack = takeAll(thread);
    peer.wire.arrive(compressed(BINARY, madeOfHeaders(400).end().buffer));
    expect(framesOf(peer)).toEqual(['close 1013 "no room for a compressed message"']);
    giveBack();
  });

  test('is not needed by a connection that gives way between its messages', async () => {
    const { thread, heard, peer } = inflating({ arenaBytes: MIB });
    letTimePass(thread);
    const giveBack = takeAll(thread);
    for (let i = 0; i < 4; i++) peer.wire.arrive(compressed(BINARY, deflated(pattern(1000, i))));
    expect(heard.length).toBeLessThan(4);
    for (let i = 0; i < 4; i++) await iteration(thread);
    expect(heard).toEqual([0, 1, 2, 3].map((i) => shown(BINARY, pattern(1000, i))));
    giveBack();
  });

  test('may still take a compressed message that has arrived on the heap', () => {
    const { thread, heard, peer } = inflating({ arenaBytes: MIB });
    const giveBack = takeAll(thread);
    const onHeap = compressed(BINARY, deflated(pattern(5000)));
    peer.wire.arrive(onHeap.subarray(0, 2000));
    giveBack();
    peer.wire.arrive(onHeap.subarray(2000));
    expect(heard).toEqual([shown(BINARY, pattern(5000))]);
  });
});

describe('bytesPerSecond', () => {
  test('counts what messages become too: the peer is not read for a while', () => {
    const { thread, heard, peer } = inflating({ bytesPerSecond: 10_000 });
    for (let i = 0; i < 4; i++) peer.wire.arrive(compressed(BINARY, zeros(9000)));
    expect(heard.length).toBeLessThan(4);
    expect(thread.incidents).toEqual([LimitIncident.RATE_LIMITED.what]);
    thread.pass(1000);
    expect(heard.length).toBeLessThan(4);
    thread.pass(4000);
    expect(heard.length).toBe(4);
  });

  test('closes with 1008, also in the middle of a message', () => {
    const { thread, heard, peer } = inflating({ bytesPerSecond: 500_000, rateLimitAction: 'close' });
    peer.wire.arrive(compressed(BINARY, zeros(2_000_000)));
    expect(framesOf(peer)).toEqual(['close 1008 "sent too fast"']);
    expect(heard).toEqual([]);
    expect(thread.counters.get(Counter.INFLATED_BYTES)).toBeLessThan(1_000_000);
  });

  test('has a long message inflated to its end: what was too much is owed', async () => {
    const { thread, heard, peer } = inflating({ bytesPerSecond: 500_000 });
    peer.wire.arrive(compressed(BINARY, zeros(2_000_000)), text('behind'));
    for (let i = 0; i < 200 && heard.length === 0; i++) await iteration(thread);
    expect(heard).toEqual([shown(BINARY, Buffer.alloc(2_000_000))]);
    expect(thread.incidents).toEqual([LimitIncident.RATE_LIMITED.what]);
    thread.pass(2000);
    expect(heard.length).toBe(1);
    thread.pass(3000);
    expect(heard.slice(1)).toEqual([shown(TEXT, 'behind')]);
  });

  test('lets no peer that is slowed down keep the others waiting for room', async () => {
    const { thread, heard, peer } = inflating({ arenaBytes: 2 * MIB, bytesPerSecond: 100_000 });
    const other = thread.connect();
    letTimePass(thread);
    peer.wire.arrive(compressed(BINARY, zeros(500_000)));
    other.wire.arrive(compressed(BINARY, zeros(500_001)));
    for (let i = 0; i < 200 && heard.length < 2; i++) await iteration(thread);
    expect(heard).toEqual([500_000, 500_001].map((length) => shown(BINARY, Buffer.alloc(length))));
    expect(thread.arena.slabs.allocatedBytes).toBe(
      inflating({ arenaBytes: 2 * MIB }).thread.arena.slabs.allocatedBytes,
    );
  });
});

test('a hook that fails in a compressed message costs its own connection only', () => {
  const { thread, heard, peer } = inflating({
    handler: {
      message(connection) {
        if (connection.id === 1) throw new Error('of the handler');
      },
    },
  });
  const other = thread.connect();
  peer.wire.arrive(text('one'), text('two'));
  other.wire.arrive(text(letters(WINDOW_BYTES)));
  expect(framesOf(peer)).toEqual(['close 1011 "internal error"']);
  expect(heard).toEqual([shown(TEXT, 'one'), shown(TEXT, letters(WINDOW_BYTES))]);
  expect(thread.failures.map(({ hook }) => hook)).toEqual(['message']);
});
