import { describe, expect, it } from 'vitest';
import { ByteBudget } from '../../dist/anatomy/byte-budget.js';
import type { TcpSegment } from '../../dist/capture/tcp-segment.js';
import { TcpStream } from '../../dist/capture/tcp-stream.js';

const END = { address: '10.0.0.1', port: 1 };

function segment(sequence: number, payload: string | number, flags: Partial<TcpSegment> = {}): TcpSegment {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : Buffer.alloc(payload);
  return {
    ...{ source: END, destination: END, sequence: sequence >>> 0, payload: bytes, missingBytes: 0 },
    ...{ isSyn: false, isAck: true, isFin: false, isReset: false, ...flags },
  };
}

/** What a stream returns for a segment. */
const taken = (stream: TcpStream, one: TcpSegment) => Buffer.concat([...stream.take(one)]).toString();
const syn = (sequence: number) => segment(sequence, '', { isSyn: true });

describe('a stream of TCP', () => {
  it('returns bytes as soon as they are in order', () => {
    const stream = new TcpStream(new ByteBudget(10_000));
    expect([syn(9), segment(13, 'de'), segment(10, 'abc'), segment(15, 'f')].map((one) => taken(stream, one))).toEqual([
      ...['', '', 'abcde', 'f'],
    ]);
  });

  it('takes of a byte that comes twice the first', () => {
    const stream = new TcpStream(new ByteBudget(10_000));
    const segments = [
      syn(9),
      segment(10, 'abc'),
      segment(11, 'XYd'),
      segment(16, 'gh'),
      segment(14, 'efX'),
      segment(10, 'XXX'),
    ];
    expect(segments.map((one) => taken(stream, one)).join('')).toBe('abcdefXh');
  });

  it('ends with its FIN, once all of it has come', () => {
    const stream = new TcpStream(new ByteBudget(10_000));
    for (const one of [syn(-3), segment(0, 'cd', { isFin: true })]) taken(stream, one);
    expect(stream.isFinished).toBe(false);
    expect(taken(stream, segment(-2, 'ab'))).toBe('abcd');
    expect(stream.isFinished).toBe(true);
    expect(stream.gap).toBeUndefined();
  });

  it('waits, without a SYN, for some segments before it takes one for the first', () => {
    const stream = new TcpStream(new ByteBudget(100_000));
    const texts = Array.from({ length: 16 }, (_, i) =>
      taken(stream, segment(100 + ((i + 5) % 16), String.fromCharCode(97 + ((i + 5) % 16)))),
    );
    expect(texts.slice(0, -1).join('')).toBe('');
    expect(texts.at(-1)).toBe('abcdefghijklmnop');
    const short = new TcpStream(new ByteBudget(100_000));
    taken(short, segment(5, 'b'));
    taken(short, segment(4, 'a'));
    expect(Buffer.concat([...short.end()]).toString()).toBe('ab');
  });

  it('gives up missing bytes when there is no room for more, and gives its room back', () => {
    const budget = new ByteBudget(6000);
    const [first, second] = [new TcpStream(budget), new TcpStream(budget)];
    for (const stream of [first, second]) taken(stream, syn(0));
    taken(first, segment(11, 2000));
    taken(second, segment(11, 1000));
    expect(second.isEnded).toBe(false);
    taken(second, segment(1011, 1000));
    expect(second.gap).toEqual({ at: 0, missingBytes: 10 });
    expect(second.leftOutBytes).toBe(2000);
    expect(taken(second, segment(1, 10))).toBe('');
    expect(second.leftOutBytes).toBe(2010);
    taken(first, segment(2011, 1000));
    expect(first.gap).toBeUndefined();
    expect(taken(first, segment(1, 10))).toHaveLength(3010);
    expect(budget.take(6000)).toBe(true);
  });

  it('keeps no more than 1 MiB, though there be room', () => {
    const stream = new TcpStream(new ByteBudget(2 ** 30));
    taken(stream, syn(0));
    let segments = 0;
    while (!stream.isEnded && segments < 2000) taken(stream, segment(11 + 1000 * segments++, 1000));
    expect(segments).toBe(Math.floor(2 ** 20 / 2024) + 1);
    expect(stream.gap).toEqual({ at: 0, missingBytes: 10 });
  });

  it('leaves out what is further ahead than a window can be', () => {
    const stream = new TcpStream(new ByteBudget(10_000));
    taken(stream, syn(0));
    taken(stream, segment(2 ** 30 + 2, 'far'));
    expect(taken(stream, segment(1, 'near'))).toBe('near');
    expect([...stream.end()]).toEqual([]);
    expect(stream.gap).toBeUndefined();
    expect(stream.leftOutBytes).toBe(3);
  });

  it('knows its SYN from that of another connection', () => {
    const stream = new TcpStream(new ByteBudget(10_000));
    expect(stream.belongs(syn(7))).toBe(true);
    taken(stream, syn(7));
    taken(stream, segment(8, 'abc'));
    expect([syn(7), syn(8), syn(70_000)].map((one) => stream.belongs(one))).toEqual([true, false, false]);
  });
});
