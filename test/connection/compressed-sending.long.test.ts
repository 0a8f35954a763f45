import { constants, deflateRawSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import type { CompressionOptions } from '../../dist/compression/compression-options.js';
import { DIRECT_WRITE_BYTES } from '../../dist/connection/frame-writer.js';
import type { DeflateAgreement, DeflateDirection } from '../../dist/protocol/deflate/agreement.js';
import { Counter } from '../../dist/telemetry/counters.js';
import { BINARY, CLOSE, clientFrame, letters, PING, pattern, shown, TEXT } from './frames.js';
import { InflatingPeer, type SentFrame, shownAll, shownInflated } from './inflating-peer.js';
import { framesOf, type Peer, startThread, type TestThread, type ThreadOptions } from './thread.js';

const KIB = 1024;
const MIB = KIB * KIB;

const FAST: CompressionOptions = { kernel: 'auto', level: 'fast', thresholdBytes: 64 };
const ALONE: DeflateDirection = { windowBits: 15, contextTakeover: false };
const TAKEOVER: DeflateDirection = { windowBits: 12, contextTakeover: true };

const agreementOf = (own: DeflateDirection): DeflateAgreement => ({ own, peer: ALONE });

const VOCABULARY = Array.from({ length: 200 }, (_, i) => letters(3 + (i % 7), i));
const TEXTS = new Map<number, string>();

/** Text that gets smaller, and differs by its seed. */
function words(length: number, seed = 1): string {
  let text = TEXTS.get(seed) ?? '';
  if (text.length < length) {
    text = Array.from(pattern(length, seed), (byte) => VOCABULARY[byte % 200]).join(' ');
    TEXTS.set(seed, text);
  }
  return text.slice(0, length);
}

interface Compressing {
  readonly thread: TestThread;
  readonly peer: Peer;
  readonly connection: Peer['connection'];
  /** Reads all that the peer has got. To be called once. */
  read(): SentFrame[];
}

function compressing(own: DeflateDirection = ALONE, options: ThreadOptions = {}): Compressing {
  const thread = startThread({ compression: FAST, deflate: agreementOf(own), ...options });
  const peer = thread.connect();
  const read = () => new InflatingPeer(own).read(peer.wire.output);
  return { thread, peer, connection: peer.connection, read };
}

describe('a message', () => {
  test('is compressed, as text and as binary, with RSV1 set', () => {
    const { thread, connection, read } = compressing();
    const text = words(1000);
    const bytes = Buffer.from(words(1000, 2));
    thread.inTurn(() => {
      expect(connection.send(text)).toBe(true);
      expect(connection.send(bytes)).toBe(true);
    });
    const frames = read();
    expect(shownAll(frames)).toEqual([`~${shown(TEXT, text)}`, `~${shown(BINARY, bytes)}`]);
    for (const { wireBytes } of frames) expect(wireBytes).toBeLessThan(700);
    expect(thread.counters.get(Counter.MESSAGES_OUT)).toBe(2);
  });

  test('that is compressed is counted with its bytes before and after, and no other', async () => {
    const { thread, connection, read } = compressing();
    const large = words(MIB);
    thread.inTurn(() => {
      connection.send(words(1000));
      connection.send(pattern(5000)); // does not get smaller
      connection.send('short');
      connection.send(words(1000), { compress: false });
      connection.send(large);
      connection.send(pattern(300_000));
    });
    await thread.iterations();
    const { counters } = thread;
    const compressed = read().filter(({ isCompressed }) => isCompressed);
    expect(compressed).toHaveLength(2);
    expect(counters.get(Counter.DEFLATED_MESSAGES)).toBe(2);
    expect(counters.get(Counter.DEFLATED_FROM_BYTES)).toBe(1000 + large.length);
    expect(counters.get(Counter.DEFLATED_BYTES)).toBe(compressed.reduce((sum, { wireBytes }) => sum + wireBytes, 0));
  });

  test('is sent as it is below the threshold, which counts bytes', () => {
    const { thread, connection, read } = compressing();
    const sent = ['x'.repeat(63), 'x'.repeat(64), '€'.repeat(21), '€'.repeat(22), Buffer.alloc(63), Buffer.alloc(64)];
    thread.inTurn(() => sent.forEach((message) => void connection.send(message)));
    expect(read().map(({ isCompressed }) => isCompressed)).toEqual([false, true, false, true, false, true]);
    expect(thread.counters.get(Counter.MESSAGES_OUT)).toBe(6);
  });

  test('below the threshold leaves at once, however long it is', () => {
    const compression = { ...FAST, thresholdBytes: MIB };
    const { thread, connection, read } = compressing(ALONE, { compression });
    const text = words(500_000);
    thread.inTurn(() => {
      connection.send(text);
      connection.send(Buffer.from(text));
    });
    expect(shownAll(read())).toEqual([shown(TEXT, text), shown(BINARY, text)]);
  });

  test('of nothing but characters of three bytes is compressed from the threshold on, too', () => {
    const { thread, connection, read } = compressing(ALONE, { compression: { ...FAST, thresholdBytes: 66 } });
    thread.inTurn(() => ['€'.repeat(21), '€'.repeat(22)].forEach((text) => void connection.send(text)));
    expect(read().map(({ isCompressed }) => isCompressed)).toEqual([false, true]);
  });

  test('is sent as it is if it does not get smaller', () => {
    const { thread, connection, read } = compressing();
    const sizes = [100, 5000, 20_000, 60_000];
    thread.inTurn(() => sizes.forEach((size) => void connection.send(pattern(size))));
    expect(shownAll(read())).toEqual(sizes.map((size) => shown(BINARY, pattern(size))));
  });

  test('is sent as it is if nothing was agreed on, and if the thread does not compress', () => {
    for (const options of [{ compression: FAST }, { deflate: agreementOf(TAKEOVER) }]) {
      const thread = startThread(options);
      const peer = thread.connect();
      thread.inTurn(() => void peer.connection.send(words(1000)));
      expect(shownAll(new InflatingPeer(ALONE).read(peer.wire.output))).toEqual([shown(TEXT, words(1000))]);
    }
  });

  test('is sent as it is with compress: false', () => {
    const { thread, connection, read } = compressing();
    thread.inTurn(() => {
      for (const options of [{ compress: false }, { compress: true }, {}, undefined])
        connection.send(words(500), options);
      connection.send(Buffer.from(words(500)), { compress: false });
    });
    expect(read().map(({ isCompressed }) => isCompressed)).toEqual([false, true, true, true, false]);
  });

  test.each([
    [null, 'options must be an object, got null'],
    [false, 'options must be an object, got boolean'],
    [() => {}, 'options must be an object, got function'],
    [{ compress: 'no' }, 'options.compress must be a boolean, got string'],
    [{ compress: null }, 'options.compress must be a boolean, got null'],
    [{ compress: 0 }, 'options.compress must be a boolean, got number'],
    [[], 'options must be an object, got an array'],
    [{ compres: false }, "there is no option 'compres'; there is compress; did you mean compress"],
  ])('is not sent with options that do not say clearly whether to compress: %o', (options, message) => {
    for (const thread of [startThread(), startThread({ compression: FAST, deflate: agreementOf(ALONE) })]) {
      const peer = thread.connect();
      expect(() => peer.connection.send('secret', options as never)).toThrow(message);
      expect(peer.wire.output.length).toBe(0);
      expect(thread.counters.get(Counter.MESSAGES_OUT)).toBe(0);
    }
  });

  test.each([0, 1, 2, 126, DIRECT_WRITE_BYTES, 40_000, 0xfc00, 0xfc01])(
    'of %d bytes arrives as it was, whichever way it was sent',
    async (length) => {
      for (const level of ['fast', 'small'] as const) {
        const compression = { kernel: 'auto', level, thresholdBytes: 0 } as const;
        const { thread, connection, read } = compressing(TAKEOVER, { compression });
        const text = words(length);
        const wide = '€'.repeat(length / 3);
        thread.inTurn(() => {
          connection.send(text);
          connection.send(Buffer.from(text));
          connection.send(wide);
          connection.send(new SharedArrayBuffer(length));
        });
        await thread.iterations();
        const shownBytes = [
          shown(TEXT, text),
          shown(BINARY, text),
          shown(TEXT, wide),
          shown(BINARY, Buffer.alloc(length)),
        ];
        expect(shownInflated(read())).toEqual(shownBytes);
      }
    },
  );

  test('of a text is compressed at once if its UTF-8 is no longer than a piece', () => {
    const { thread, connection, read } = compressing();
    thread.inTurn(() => void connection.send(words(60_000)));
    expect(connection.bufferedAmount).toBe(0);
    expect(shownAll(read())).toEqual([`~${shown(TEXT, words(60_000))}`]);
  });

  test('with a lone surrogate is sent with U+FFFD', () => {
    const { thread, connection, read } = compressing();
    thread.inTurn(() => void connection.send(`${'x'.repeat(200)}\ud800`));
    expect(shownAll(read())).toEqual([`~${shown(TEXT, `${'x'.repeat(200)}\ufffd`)}`]);
  });

  test('is the server’s own when send returns', async () => {
    const { thread, connection, read } = compressing();
    const messages = [1000, 20_000, 100_000, 300_000].map((length, i) => Buffer.from(words(length, i)));
    thread.inTurn(() => {
      for (const bytes of messages) {
        const mine = Buffer.from(bytes);
        connection.send(mine);
        mine.fill(0);
      }
    });
    await thread.iterations();
    expect(shownAll(read())).toEqual(messages.map((bytes) => `~${shown(BINARY, bytes)}`));
  });

  test('of any other kind is refused, also while another one waits', () => {
    const { thread, connection } = compressing();
    thread.inTurn(() => {
      expect(() => connection.send(42 as never)).toThrow(TypeError);
      connection.send(words(100_000));
      expect(() => connection.send({} as never)).toThrow(TypeError);
    });
    connection.terminate();
  });
});

describe('an answer', () => {
  const echo = { message: (connection: Peer['connection'], message: never) => void connection.send(message) };

  test.each([ALONE, TAKEOVER])(
    'with the message that has arrived is compressed from where it lies (%o)',
    async (own) => {
      for (const poison of [false, true]) {
        const { thread, peer, read } = compressing(own, { handler: echo, poison });
        const texts = [100, 1000, 5000, 30_000, 60_000, 100_000, 400_000].map((length, i) => words(length, i));
        for (const text of texts) {
          const half = text.length >> 1;
          peer.wire.arrive(clientFrame(TEXT, text));
          peer.wire.arrive(clientFrame(TEXT, text.slice(0, half), { fin: false }), clientFrame(0, text.slice(half)));
        }
        peer.wire.arrive(clientFrame(BINARY, texts[1]));
        await thread.iterations();
        expect(shownAll(read())).toEqual([
          ...texts.flatMap((text) => [`~${shown(TEXT, text)}`, `~${shown(TEXT, text)}`]),
          `~${shown(BINARY, texts[1] as string)}`,
        ]);
      }
    },
  );

  test.each([ALONE, TAKEOVER])(
    'is compressed behind others of the same read that are too short for that (%o)',
    (own) => {
      const { peer, read } = compressing(own, { handler: echo });
      const texts = ['a', 'b', words(300), 'c', 'd', words(300, 2), words(20), words(400, 3)];
      peer.wire.arrive(...texts.map((text) => clientFrame(TEXT, text)));
      expect(shownAll(read())).toEqual(texts.map((text) => `${text.length >= 64 ? '~' : ''}${shown(TEXT, text)}`));
    },
  );
});

describe('the window', () => {
  test('makes a repeated message small, with takeover only', () => {
    for (const own of [ALONE, TAKEOVER]) {
      const { thread, connection, read } = compressing(own);
      thread.inTurn(() => {
        connection.send(words(1000));
        connection.send(words(1000));
      });
      const [first, second] = read().map(({ wireBytes }) => wireBytes) as [number, number];
      if (own === ALONE) expect(second).toBe(first);
      else expect(second).toBeLessThan(25);
    }
  });

  test('has what was compressed and nothing else', async () => {
    const { thread, connection, read } = compressing({ windowBits: 15, contextTakeover: true });
    const secret = words(2000, 99);
    thread.inTurn(() => {
      connection.send(words(2000));
      connection.send(secret, { compress: false });
      connection.send(pattern(5000)); // does not get smaller
      connection.send(words(100_000, 5));
      connection.send(secret, { compress: false }); // waits
      connection.send(words(2000));
    });
    await thread.iterations();
    expect(shownAll(read())).toEqual([
      `~${shown(TEXT, words(2000))}`,
      shown(TEXT, secret),
      shown(BINARY, pattern(5000)),
      `~${shown(TEXT, words(100_000, 5))}`,
      shown(TEXT, secret),
      `~${shown(TEXT, words(2000))}`,
    ]);
  });

  test('is forgotten when the receiver gets compressed frames of a publication, also if they wait', async () => {
    const { thread, connection, read } = compressing({ windowBits: 15, contextTakeover: true });
    const publication = Buffer.from(words(3000, 50));
    const sent = deflateRawSync(publication, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const frame = Buffer.concat([Buffer.of(0xc2, 126, sent.length >> 8, sent.length & 0xff), sent]);
    const memory = { bytes: frame, isFree: false, version: 1, acquire: () => {}, release: () => {} };
    const deliver = () => connection.deliver(memory, 0, frame.length, 1, true);
    const large = words(100_000);
    for (const texts of [[words(1000)], [words(1000)], [large], [words(1000)]]) {
      thread.inTurn(() => {
        for (const text of texts) connection.send(text);
        deliver();
        for (const text of texts) connection.send(text);
        for (const text of texts) connection.send(text);
      });
    }
    await thread.iterations();
    const frames = read();
    const [text, published] = [`~${shown(TEXT, words(1000))}`, `~${shown(BINARY, publication)}`];
    const largeText = `~${shown(TEXT, large)}`;
    const round = [text, published, text, text];
    expect(shownAll(frames)).toEqual([...round, ...round, largeText, published, largeText, largeText, ...round]);
    const sizes = frames.map(({ wireBytes }) => wireBytes);
    expect(sizes[2]).toBe(sizes[0]); // as without a window
    expect(sizes[3]).toBeLessThan(25); // refers to the one behind the publication
  });

  test('is forgotten behind a publication that went directly to the descriptor, also if the subscription has ended', () => {
    for (const unsubscribes of [false, true]) {
      const { thread, peer, connection, read } = compressing({ windowBits: 15, contextTakeover: true });
      const publish = (text: string) =>
        thread.inTurn(() => void thread.topics.publish('topic', undefined, 0x81, Buffer.from(text), 0, text.length));
      connection.subscribe('topic');
      thread.inTurn(() => void connection.send(words(1000)));
      publish('short'); // plain: the window stays
      publish(words(3000, 50));
      expect(peer.wire.directWrites).toBe(1);
      thread.inTurn(() => {
        if (unsubscribes) connection.unsubscribe('topic');
        connection.send(words(1000));
      });
      const frames = read();
      const text = `~${shown(TEXT, words(1000))}`;
      expect(shownAll(frames)).toEqual([text, shown(TEXT, 'short'), `~${shown(TEXT, words(3000, 50))}`, text]);
      expect(frames[3]?.wireBytes).toBe(frames[0]?.wireBytes); // as without a window
    }
  });

  test('has nothing of a message that a slow peer does not get', async () => {
    const limits = { slowConsumer: 'drop', maxBackpressureBytes: 3000 } as const;
    const { thread, peer, connection, read } = compressing(TAKEOVER, limits);
    peer.wire.takes = () => 0;
    thread.inTurn(() => expect(connection.send(words(4000, 1))).toBe(true));
    thread.inTurn(() => expect(connection.send(words(4000, 2))).toBe(false));
    peer.wire.takes = (offered) => offered;
    peer.wire.drain();
    thread.inTurn(() => {
      expect(connection.send(words(200_000, 3))).toBe(true);
      expect(connection.send(words(4000, 4))).toBe(true);
      expect(connection.send(words(4000, 2))).toBe(false); // one waits behind the one that is being compressed
    });
    await thread.iterations();
    thread.inTurn(() => void connection.send(words(4000, 2)));
    expect(shownAll(read())).toEqual(
      [1, 3, 4, 2].map((seed) => `~${shown(TEXT, words(seed === 3 ? 200_000 : 4000, seed))}`),
    );
    expect(thread.counters.get(Counter.DROPPED)).toBe(2);
    expect(thread.counters.get(Counter.MESSAGES_OUT)).toBe(4);
  });

  test.each([8, 9, 10, 11, 12, 13, 14, 15])('of %d bits: no message refers further back', async (windowBits) => {
    for (const contextTakeover of [true, false]) {
      const { thread, connection, read } = compressing({ windowBits, contextTakeover });
      const expected: string[] = [];
      for (let i = 0; i < 12; i++) {
        const text = words([100, 700, 3000, 9000, 40_000, 150_000][i % 6] as number, i % 4);
        expected.push(`~${shown(TEXT, text)}`);
        thread.inTurn(() => void connection.send(text));
        if (i % 6 === 5) await thread.iterations();
      }
      expect(shownAll(read())).toEqual(expected);
    }
  });
});

describe('a long message', () => {
  test('is compressed by pieces, and is one frame', async () => {
    const { thread, connection, read } = compressing();
    const text = words(MIB);
    thread.inTurn(() => void connection.send(text));
    await thread.iterations();
    const frames = read();
    expect(shownAll(frames)).toEqual([`~${shown(TEXT, text)}`]);
    expect(frames[0]?.wireBytes).toBeLessThan(text.length / 2);
  });

  test('may refer to its earlier pieces, and to the window', async () => {
    const { thread, connection, read } = compressing({ windowBits: 15, contextTakeover: true });
    const block = Buffer.from(letters(20_000)); // 12 000 bytes, and next to nothing where it is repeated
    thread.inTurn(() => {
      connection.send(Buffer.concat(Array(20).fill(block)));
      connection.send(Buffer.concat([block, Buffer.alloc(100_000)]));
      connection.send(block);
    });
    await thread.iterations();
    const [first, second, third] = read().map(({ wireBytes }) => wireBytes) as [number, number, number];
    expect(first).toBeLessThan(50_000);
    expect(second).toBeLessThan(2000);
    expect(third).toBeGreaterThan(10_000); // zeros are in front of it
  });

  test('is sent as it is if its first piece does not get smaller', async () => {
    const { thread, connection, read } = compressing();
    const message = Buffer.concat([pattern(70_000), Buffer.alloc(200_000)]);
    thread.inTurn(() => void connection.send(message));
    await thread.iterations();
    expect(shownAll(read())).toEqual([shown(BINARY, message)]);
  });

  test.each(['fast', 'small'] as const)('may have pieces in it that do not get smaller (%s)', async (level) => {
    for (const takeover of [ALONE, TAKEOVER]) {
      const { thread, connection, read } = compressing(takeover, { compression: { ...FAST, level } });
      const text = Buffer.from(words(70_000));
      const messages = [
        Buffer.concat([text, pattern(200_000)]),
        Buffer.concat([text, pattern(200_000), text]),
        Buffer.concat([text, pattern(63 * KIB * 3 - text.length)]),
      ];
      thread.inTurn(() => messages.forEach((message) => void connection.send(message)));
      await thread.iterations();
      expect(shownAll(read())).toEqual(messages.map((message) => `~${shown(BINARY, message)}`));
    }
  });

  test('is sent as it is if it has become longer in the end', async () => {
    const compression = { kernel: 'native', level: 'small', thresholdBytes: 0 } as const;
    const { thread, connection, read } = compressing(TAKEOVER, { compression });
    const first = pattern(12 * KIB);
    first.fill(0, 1000, 1120); // becomes smaller by less than 200 bytes
    const message = Buffer.concat([first, ...Array.from({ length: 60 }, (_, i) => pattern(12 * KIB, i + 2))]);
    thread.inTurn(() => void connection.send(first));
    thread.inTurn(() => void connection.send(message));
    thread.inTurn(() => void connection.send(first));
    await thread.iterations();
    expect(shownAll(read())).toEqual([`~${shown(BINARY, first)}`, shown(BINARY, message), `~${shown(BINARY, first)}`]);
  });

  test('keeps its thread for one stretch in an iteration of the event loop', async () => {
    const { thread, connection } = compressing();
    thread.inTurn(() => void connection.send(words(MIB)));
    expect(await thread.iterations()).toBeGreaterThanOrEqual(Math.ceil(MIB / (3 * 63 * KIB)));
  });

  test('lets messages of other connections leave while it is compressed', async () => {
    const { thread, connection } = compressing();
    const other = thread.connect();
    thread.inTurn(() => void connection.send(words(MIB)));
    await thread.iterations(1);
    thread.inTurn(() => void other.connection.send(words(1000)));
    expect(connection.bufferedAmount).toBe(MIB);
    expect(shownAll(new InflatingPeer(ALONE).read(other.wire.output))).toEqual([`~${shown(TEXT, words(1000))}`]);
    await thread.iterations();
  });

  test('of several connections are compressed in turn', async () => {
    const { thread } = compressing();
    const peers = Array.from({ length: 5 }, () => thread.connect());
    const text = words(MIB);
    thread.inTurn(() => peers.forEach(({ connection }) => void connection.send(text)));
    await thread.iterations();
    for (const { wire } of peers) {
      expect(shownAll(new InflatingPeer(ALONE).read(wire.output))).toEqual([`~${shown(TEXT, text)}`]);
    }
  });

  test('that a slow peer does not take is held where it lies', async () => {
    const { thread, peer, connection, read } = compressing();
    peer.wire.takes = (offered) => Math.min(offered, 1000);
    const copies = vi.spyOn(peer.wire, 'enqueueCopy');
    const messages = [Buffer.from(words(500_000)), pattern(300_000), Buffer.alloc(400_000)];
    thread.inTurn(() => messages.forEach((message) => void connection.send(message)));
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    for (const [, start, end] of copies.mock.calls) expect(end - start).toBeLessThan(1000);
    peer.wire.drain();
    expect(shownInflated(read())).toEqual(messages.map((message) => shown(BINARY, message)));
  });
});

describe('many messages', () => {
  test('of one connection at once go on in the next iteration of the event loop', async () => {
    const { thread, connection, read } = compressing(TAKEOVER);
    const texts = Array.from({ length: 60 }, (_, i) => words(10_000, i));
    thread.inTurn(() => texts.forEach((text) => void connection.send(text)));
    expect(connection.bufferedAmount).toBeGreaterThan(300_000);
    expect(await thread.iterations()).toBeGreaterThanOrEqual(3);
    expect(shownAll(read())).toEqual(texts.map((text) => `~${shown(TEXT, text)}`));
  });
});

test('what was compressed in earlier iterations of the event loop does not make a message wait', async () => {
  const { thread, peer, connection, read } = compressing();
  for (let i = 0; i < 40; i++) {
    thread.inTurn(() => void connection.send(words(20_000, i % 4)));
    expect(connection.bufferedAmount).toBe(0);
    expect(peer.wire.calls.at(-1)).toMatchObject({ what: 'write' });
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(read()).toHaveLength(40);
});

describe('short messages', () => {
  test('of one connection at once go on in the next iteration, too: each takes some time', async () => {
    const { thread, connection, read } = compressing();
    const text = words(64);
    thread.inTurn(() => {
      for (let i = 0; i < 2000; i++) connection.send(text);
    });
    expect(connection.bufferedAmount).toBeGreaterThan(64 * 1000);
    expect(await thread.iterations()).toBeGreaterThanOrEqual(2);
    expect(shownInflated(read())).toEqual(Array(2000).fill(shown(TEXT, text)));
  });

  test('that wait without being compressed cost little more than their bytes', async () => {
    const { thread, connection, read } = compressing();
    thread.inTurn(() => {
      connection.send(words(100_000));
      for (let i = 0; i < 5000; i++) connection.send('');
      for (let i = 0; i < 5000; i++) connection.ping('1234567890');
    });
    expect(connection.bufferedAmount).toBe(100_000 + 5000 * 2 + 5000 * 12);
    expect(thread.budget.bytes).toBeLessThan(100_000 + 2 * (5000 * 2 + 5000 * 12));
    await thread.iterations();
    expect(read()).toHaveLength(10_001);
  });
});

describe('behind a message that waits to be compressed', () => {
  test('messages, pings, publications and the Close keep their order', async () => {
    const { thread, peer, connection, read } = compressing();
    connection.subscribe('topic');
    const large = words(300_000);
    const publication = pattern(30_000);
    thread.inTurn(() => {
      connection.send('before');
      connection.send(large);
      connection.send('behind');
      connection.ping('p');
      thread.topics.publish('topic', undefined, 0x82, publication, 0, publication.length);
      connection.send(words(500));
      connection.send(words(500), { compress: false });
      connection.send(Buffer.alloc(0));
      connection.close(4000, 'enough');
      expect(connection.send('too late')).toBe(false);
    });
    expect(connection.isOpen).toBe(false);
    expect(peer.wire.isEnded).toBe(false);
    await thread.iterations();
    expect(shownAll(read())).toEqual([
      shown(TEXT, 'before'),
      `~${shown(TEXT, large)}`,
      shown(TEXT, 'behind'),
      shown(PING, 'p'),
      shown(BINARY, publication),
      `~${shown(TEXT, words(500))}`,
      shown(TEXT, words(500)),
      shown(BINARY, ''),
      shown(CLOSE, Buffer.from('\x0f\xa0enough', 'latin1')),
    ]);
    expect(peer.wire.directWrites).toBe(0);
  });

  test('publications wait that come at the end of the turn, and others go directly to the descriptor later', async () => {
    const { thread, peer, connection, read } = compressing();
    connection.subscribe('topic');
    const publish = (text: string) =>
      thread.inTurn(() => void thread.topics.publish('topic', undefined, 0x81, Buffer.from(text), 0, text.length));
    publish('first');
    thread.inTurn(() => void connection.send(words(300_000)));
    publish('second');
    publish('third');
    await thread.iterations();
    publish('fourth');
    publish('fifth');
    expect(shownAll(read())).toEqual([
      shown(TEXT, 'first'),
      `~${shown(TEXT, words(300_000))}`,
      ...['second', 'third', 'fourth', 'fifth'].map((text) => shown(TEXT, text)),
    ]);
    expect(peer.wire.directWrites).toBeGreaterThan(0);
  });

  test('the peer’s Close is answered, and FIN comes last', async () => {
    const { thread, peer, connection, read } = compressing();
    thread.inTurn(() => void connection.send(words(300_000)));
    peer.wire.arrive(clientFrame(PING, 'late'), clientFrame(CLOSE, Buffer.of(0x03, 0xe8)));
    expect(peer.wire.isEnded).toBe(false);
    await thread.iterations();
    expect(shownAll(read())).toEqual([`~${shown(TEXT, words(300_000))}`, shown(CLOSE, Buffer.of(0x03, 0xe8))]);
    expect(peer.wire.isEnded).toBe(true);
  });

  test('FIN of a peer that has gone without a Close is answered last', async () => {
    const { thread, peer, connection, read } = compressing();
    thread.inTurn(() => void connection.send(words(300_000)));
    peer.wire.fin();
    expect(peer.wire.isEnded).toBe(false);
    await thread.iterations();
    expect(shownAll(read())).toEqual([`~${shown(TEXT, words(300_000))}`]);
    expect(peer.wire.isEnded).toBe(true);
  });

  test('the latest ping is answered when it is done', async () => {
    const { thread, peer, connection, read } = compressing();
    thread.inTurn(() => void connection.send(words(300_000)));
    peer.wire.arrive(clientFrame(PING, 'first'), clientFrame(PING, 'latest'));
    await thread.iterations();
    expect(shownAll(read())).toEqual([`~${shown(TEXT, words(300_000))}`, shown(0xa, 'latest')]);
  });

  test('nothing is sent when the connection is cut, but what was in front of it is', async () => {
    for (const end of ['terminate', 'lose'] as const) {
      const { thread, peer, connection } = compressing();
      thread.inTurn(() => {
        connection.send('before');
        connection.send(words(300_000));
        connection.send('behind');
        if (end === 'terminate') connection.terminate();
      });
      await thread.iterations(1);
      if (end === 'lose') peer.wire.lose();
      expect(connection.bufferedAmount).toBe(0);
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
      expect(framesOf(peer)).toEqual([shown(TEXT, 'before')]);
      expect(thread.budget.bytes).toBe(0);
    }
  });
});

describe('what waits to be compressed', () => {
  test('is buffered: it counts in bufferedAmount, in the budget, and for send and drain', async () => {
    const drained: number[] = [];
    const handler = { drain: (connection: Peer['connection']) => void drained.push(connection.bufferedAmount) };
    const { thread, connection } = compressing(ALONE, { handler, highWaterMarkBytes: 250_000 });
    thread.inTurn(() => {
      expect(connection.send(words(200_000))).toBe(true);
      expect(connection.bufferedAmount).toBe(200_000);
      expect(connection.isQuiet).toBe(false);
      expect(connection.heldBytes).toBe(200_000);
      expect(connection.send(words(100_000))).toBe(false);
    });
    expect(thread.budget.bytes).toBeGreaterThanOrEqual(300_000);
    expect(thread.budget.bytes).toBeLessThan(301_000);
    expect(drained).toEqual([]);
    await thread.iterations();
    expect(drained).toHaveLength(1);
    expect(connection.isQuiet).toBe(true);
    expect(thread.budget.bytes).toBe(0);
  });

  test('holds input back above the high-water mark, and lets it come when it is gone', async () => {
    let received = 0;
    const handler = {
      message: (connection: Peer['connection']) => {
        received++;
        connection.send(words(200_000));
      },
    };
    const { thread, peer, read } = compressing(ALONE, { handler, highWaterMarkBytes: 250_000 });
    peer.wire.arrive(...Array.from({ length: 5 }, () => clientFrame(TEXT, 'more')));
    expect(received).toBe(2);
    await thread.iterations();
    expect(received).toBe(5);
    expect(read()).toHaveLength(5);
  });

  test('is given back by a server that holds too much: the connection is cut', () => {
    const { thread, peer, connection } = compressing();
    thread.inTurn(() => void connection.send(words(300_000)));
    thread.inTurn(() => connection.shed());
    expect(peer.wire.isDestroyed).toBe(true);
    expect(thread.budget.bytes).toBe(0);
  });

  test('beside its longest message is bounded by maxBackpressureBytes', async () => {
    const { thread, connection, read } = compressing(ALONE, { maxBackpressureBytes: 500_000 });
    thread.inTurn(() => void connection.send(words(1_000_000, 4)));
    await thread.iterations(); // that one has gone, and counts for nothing
    thread.inTurn(() => {
      connection.send(words(300_000));
      expect(connection.send(words(200_000, 1))).toBe(true);
      expect(connection.send(words(300_000, 2))).toBe(true);
      expect(connection.send(words(70_000, 3))).toBe(true);
      expect(thread.incidents).toEqual([]);
      expect(connection.send('x')).toBe(false);
    });
    expect(thread.incidents).toHaveLength(1);
    await thread.iterations();
    expect(read().map(({ opcode }) => opcode)).toEqual([TEXT, TEXT, TEXT, TEXT, TEXT, CLOSE]);
  });

  test.each([
    ['a long message', 0],
    ['short ones and a long one', 200],
  ])(
    'makes nobody too slow who takes all that is offered: %s, and messages, pings and publications behind',
    async (_what, before) => {
      const { thread, connection, read } = compressing(ALONE, { maxBackpressureBytes: 30_000 });
      const other = thread.connect();
      const behind = 20;
      thread.inTurn(() => connection.subscribe('all'));
      thread.inTurn(() => {
        for (let i = 0; i < before; i++) connection.send(words(1000, i % 8));
        connection.send(words(2_000_000));
      });
      for (let i = 0; i < behind; i++) {
        thread.inTurn(() => {
          connection.send(words(300, i % 8));
          connection.ping('x');
          other.connection.publish('all', words(300, i % 8));
        });
        await thread.iterations(1);
      }
      await thread.iterations();
      expect(thread.incidents).toEqual([]);
      expect(read()).toHaveLength(before + 1 + 3 * behind);
    },
  );

  test.each([
    [0, true],
    [4, false],
  ])(
    'counts with what has come of it after %i iterations, if the peer does not take what was before',
    async (iterations, fits) => {
      const limits = { maxBackpressureBytes: MIB, highWaterMarkBytes: 100 * MIB, slowConsumer: 'drop' } as const;
      const { thread, peer, connection } = compressing(ALONE, limits);
      peer.wire.takes = () => 0;
      const message = pattern(900 * KIB).map((byte) => byte & 0x7f); // an eighth is saved
      thread.inTurn(() => connection.send('in front'));
      thread.inTurn(() => expect(connection.send(message)).toBe(true));
      await thread.iterations(iterations);
      const plain = { compress: false };
      thread.inTurn(() => expect(connection.send(pattern(500 * KIB), plain)).toBe(fits));
      // A message counts with all its bytes itself.
      thread.inTurn(() => expect(connection.send(pattern(MIB), plain)).toBe(false));
      expect(thread.counters.get(Counter.DROPPED)).toBe(fits ? 1 : 2);
    },
  );

  test('may be sent more of from the hook drain', async () => {
    let left = 5;
    const handler = {
      drain: (connection: Peer['connection']) => {
        if (left-- > 0) connection.send(words(300_000, left));
      },
    };
    const { thread, connection, read } = compressing(TAKEOVER, { handler, highWaterMarkBytes: 100_000 });
    thread.inTurn(() => void connection.send(words(300_000, 5)));
    await thread.iterations();
    expect(shownAll(read())).toEqual([5, 4, 3, 2, 1, 0].map((seed) => `~${shown(TEXT, words(300_000, seed))}`));
  });
});
