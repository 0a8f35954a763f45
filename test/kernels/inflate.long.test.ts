import { describe, expect, it } from 'vitest';
import { ODD_STREAMS } from '../deflate/odd-streams.js';
import { randomBlock } from '../deflate/random-block.js';
import { Dice } from '../fuzz/dice.js';
import { begin, goOn, type Inflated, MOST_BYTES, NATIVE, WASM_INFLATERS } from './all-inflaters.js';
import { anyOptions, content, deflated } from './deflated.js';

/** A message, whole or damaged: bits changed, bytes changed, left out, put in, cut, or the head of one and the rest of another. */
function mutated(dice: Dice, message: Buffer, other: Buffer): Buffer {
  const kind = dice.below(8);
  if (kind === 0) return message.subarray(0, dice.below(message.length + 1));
  if (kind === 1)
    return Buffer.concat([
      message.subarray(0, dice.below(message.length + 1)),
      other.subarray(dice.below(other.length + 1)),
    ]);
  const result = Buffer.from(message);
  // Headers are at the beginning: half of the damage goes there.
  const place = () => dice.below(Math.max(1, dice.chance(0.5) ? Math.min(result.length, 60) : result.length));
  if (result.length === 0) return result;
  for (let times = 1 + dice.size(3); times > 0; times--) {
    const at = place();
    if (kind < 5) result[at] = (result[at] as number) ^ (1 << dice.below(8));
    else if (kind === 5) result[at] = dice.below(256);
    else if (kind === 6) result.copyWithin(at, at + 1);
    else result.copyWithin(at + 1, at);
  }
  return result;
}

/** Differences between what two inflaters make of a message. */
function difference(one: Inflated, other: Inflated): string {
  if (one.verdict !== other.verdict) return `${one.verdict}, not ${other.verdict}`;
  return one.verdict === 'DONE' && !one.output.equals(other.output) ? 'other bytes' : '';
}

describe('inflating by WebAssembly, with SIMD and without', () => {
  it('has the same verdict and the same bytes as zlib, on 100 000 damaged messages', () => {
    const verdicts = new Set<string>();
    const faults: string[] = [];
    let message: Buffer = Buffer.alloc(0);
    let history: Buffer = Buffer.alloc(0);
    for (let number = 0; number < 100_000; number++) {
      const dice = new Dice(23, number);
      const other = message;
      if (number % 10 === 0) {
        history = dice.chance(0.5) ? Buffer.alloc(0) : content(dice, 2000);
        message = deflated(content(dice, 4000), {
          ...anyOptions(dice),
          ...(history.length > 0 && { dictionary: history }),
        });
      }
      const damaged = mutated(dice, message, other);
      const expected = begin(NATIVE, damaged, { history });
      for (const [name, inflater] of WASM_INFLATERS) {
        const fault = difference(begin(inflater, damaged, { history }), expected);
        if (fault !== '') faults.push(`${name}, ${number}: ${fault}`);
      }
      verdicts.add(expected.verdict);
    }
    expect(faults).toEqual([]);
    expect([...verdicts].sort()).toEqual([
      'BLOCK_TYPE',
      'CUT',
      'DISTANCES_CODE',
      'DISTANCE_SYMBOL',
      'DONE',
      'LENGTHS_CODE',
      'LENGTHS_REPEAT',
      'LITERALS_CODE',
      'LITERAL_SYMBOL',
      'NO_END',
      'STORED_LENGTHS',
      'TOO_FAR',
      'TOO_MANY_SYMBOLS',
    ]);
  });

  it('says what zlib says, on headers of random codes', () => {
    const faults: string[] = [];
    for (let number = 0; number < 30_000; number++) {
      const dice = new Dice(24, number);
      const header = randomBlock(dice);
      const expected = begin(NATIVE, header);
      for (const [name, inflater] of WASM_INFLATERS) {
        const fault = difference(begin(inflater, header), expected);
        if (fault !== '') faults.push(`${name}, ${number}: ${fault}`);
      }
    }
    expect(faults).toEqual([]);
  });
});

describe.each(WASM_INFLATERS)('inflating by %s', (_, inflater) => {
  it('has the verdict of zlib on every odd stream and every message, cut at every place', () => {
    for (const { message, history } of messages()) {
      if (message.length > 3000) continue;
      for (let length = 0; length <= message.length; length++) {
        const cut = message.subarray(0, length);
        expect(difference(begin(inflater, cut, { history }), begin(NATIVE, cut, { history }))).toBe('');
      }
    }
  });

  it('comes to the same with every limit, and goes on from each', () => {
    for (const { message, history } of messages()) {
      const whole = begin(inflater, message, { history });
      if (whole.verdict !== 'DONE' || whole.output.length > 6000) continue;
      for (let room = 0; room < whole.output.length; room++) {
        const part = begin(inflater, message, { history, room });
        const rest = goOn(inflater, MOST_BYTES);
        if (part.verdict !== 'NEEDS_ROOM' || difference(rest, whole) !== '') {
          expect(`${room}: ${part.verdict}, ${difference(rest, whole)}`).toBe('');
        }
        if (!part.output.equals(whole.output.subarray(0, part.output.length))) expect(room).toBe('right');
      }
    }
  });

  it('comes to the same in slices of every size up to 300', () => {
    for (const { message, history } of messages()) {
      const whole = begin(inflater, message, { history });
      if (whole.output.length > 6000) continue;
      for (let work = 1; work < 300; work++) {
        let part = begin(inflater, message, { history, work });
        while (part.verdict === 'PAUSED') part = goOn(inflater, MOST_BYTES, work);
        if (difference(part, whole) !== '') expect(`${work}: ${difference(part, whole)}`).toBe('');
      }
    }
  });

  it('inflates large messages at all levels', () => {
    for (let number = 0; number < 40; number++) {
      const dice = new Dice(26, number);
      const original = Buffer.concat(Array.from({ length: 12 }, () => content(dice, 200_000)));
      const { verdict, output } = begin(inflater, deflated(original, anyOptions(dice)), { shift: number });
      expect(verdict).toBe('DONE');
      expect(output.equals(original)).toBe(true);
    }
  });
});

/** Odd streams, and messages of some kinds. */
function messages(): { readonly message: Buffer; readonly history: Buffer }[] {
  const odd = ODD_STREAMS.filter(({ history }) => history === undefined).map(({ message }) => ({
    message,
    history: Buffer.alloc(0),
  }));
  const usual = Array.from({ length: 24 }, (_, number) => {
    const dice = new Dice(25, number);
    const history = number % 2 === 0 ? Buffer.alloc(0) : content(dice, 1000);
    const message = deflated(content(dice, 1500), {
      ...anyOptions(dice),
      ...(history.length > 0 && { dictionary: history }),
    });
    return { message, history };
  });
  return [...odd, ...usual];
}
