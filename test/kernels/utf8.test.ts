import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, Utf8, validateAround } from '../../dist/kernels/utf8.js';
import { anyBytes, text, verdict, verdictOf } from './texts.js';

/** The edges of every range in Table 3-7, and one byte on either side of them. */
const EDGES = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];

function stateOf(...sequence: number[]): number {
  return advance(Uint8Array.from(sequence), 0, sequence.length, Utf8.ACCEPT);
}

/** The sequences on which the automaton and Node disagree. */
function disagreements(sequences: Iterable<number[]>): number[][] {
  return [...sequences].filter((sequence) => verdictOf(stateOf(...sequence)) !== verdict(Uint8Array.from(sequence)));
}

describe('the automaton', () => {
  it('judges every single byte as Node does', () => {
    expect(disagreements(Array.from({ length: 256 }, (_, byte) => [byte]))).toEqual([]);
  });

  it('judges every pair of bytes as Node does', () => {
    expect(disagreements(Array.from({ length: 65536 }, (_, pair) => [pair >> 8, pair & 0xff]))).toEqual([]);
  });

  it('judges every lead and second byte of three and four, with the edges of every range after them, as Node does', () => {
    function* sequences() {
      for (let lead = 0xe0; lead <= 0xf8; lead++) {
        for (let second = 0x7e; second <= 0xc1; second++) {
          for (const third of EDGES) {
            yield [lead, second, third];
            // From F5 on, nothing can follow.
            if (lead >= 0xf0 && lead <= 0xf5) for (const fourth of EDGES) yield [lead, second, third, fourth];
          }
        }
      }
    }
    expect(disagreements(sequences())).toEqual([]);
  });

  it('stays where it is once it has rejected', () => {
    for (let byte = 0; byte < 256; byte++) expect(advance(Uint8Array.of(byte), 0, 1, Utf8.REJECT)).toBe(Utf8.REJECT);
  });

  it('names its states after the bytes that they still need', () => {
    expect(stateOf(0xc3)).toBe(Utf8.ONE_MORE);
    expect(stateOf(0xe2)).toBe(Utf8.TWO_MORE);
    expect(stateOf(0xf1)).toBe(Utf8.THREE_MORE);
    expect(stateOf(0xe0)).toBe(Utf8.AFTER_E0);
    expect(stateOf(0xed)).toBe(Utf8.AFTER_ED);
    expect(stateOf(0xf0)).toBe(Utf8.AFTER_F0);
    expect(stateOf(0xf4)).toBe(Utf8.AFTER_F4);
  });
});

describe('validation around a validator of whole texts', () => {
  it('gives it only ranges that begin and end with a whole character, and agrees with the automaton', () => {
    fc.assert(
      fc.property(text, fc.constantFrom(...Object.values(Utf8)), (bytes, state) => {
        const judge = (start: number, end: number) => {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeLessThanOrEqual(bytes.length);
          return advance(bytes, start, end, Utf8.ACCEPT) === Utf8.ACCEPT;
        };
        expect(validateAround(bytes, 0, bytes.length, state, judge)).toBe(advance(bytes, 0, bytes.length, state));
      }),
    );
  });

  it('does not ask it about a part of one character', () => {
    const ask = () => expect.fail('asked');
    expect(validateAround(Uint8Array.of(0x9f, 0x98), 0, 2, Utf8.AFTER_F0, ask)).toBe(Utf8.ONE_MORE);
    expect(validateAround(Uint8Array.of(0xf0, 0x9f, 0x98), 0, 3, Utf8.ACCEPT, ask)).toBe(Utf8.ONE_MORE);
    expect(validateAround(Uint8Array.of(), 0, 0, Utf8.TWO_MORE, ask)).toBe(Utf8.TWO_MORE);
  });

  it('does not ask it any more once the text is rejected', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const state = validateAround(bytes, 0, bytes.length, Utf8.REJECT, () => expect.fail('asked'));
        expect(state).toBe(Utf8.REJECT);
      }),
    );
  });
});
