import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  branchingClosure,
  EightWordLoop,
  eightWordClosure,
  fourBigIntClosure,
  viewClosure,
  WordLoop,
} from '../../../bench/study/js-loops.js';
import { advance, Utf8 } from '../../../dist/kernels/utf8.js';
import { bytes, FREE, holds, KEY, memory, place, untouchedAround, xor } from '../../kernels/all-kernels.js';
import { BOUNDARIES, FAULTS, text } from '../../kernels/texts.js';

const START = FREE + 64;

describe.each([
  ['words', new WordLoop(memory)],
  ['eight words', new EightWordLoop(memory)],
  ['eight words in a closure', eightWordClosure(memory)],
  ['words of a view', viewClosure(memory)],
  ['words of 64 bits', fourBigIntClosure(memory)],
])('unmasking by %s', (_, unmasker) => {
  it('agrees with the byte loop at every length to 150 and alignment, and writes nowhere else', () => {
    for (let length = 0; length <= 150; length++) {
      const payload = Buffer.from(Array.from({ length }, (_, i) => (i * 167) & 0xff));
      for (let offset = START; offset < START + 8; offset++) {
        place(xor(payload), offset);
        unmasker.unmask(offset, length, KEY);
        if (!holds(payload, offset) || !untouchedAround(offset, length)) expect.fail(`length ${length}, ${offset}`);
      }
    }
  });
});

describe.each([
  ['words', new WordLoop(memory)],
  ['branches', branchingClosure(memory)],
])('validation by %s', (_, validator) => {
  it('agrees with the automaton from every state', () => {
    fc.assert(
      fc.property(text, fc.nat(7), fc.constantFrom(...Object.values(Utf8)), (payload, shift, state) => {
        place(payload, START + shift);
        const expected = advance(payload, 0, payload.length, state);
        expect(validator.validate(START + shift, payload.length, state)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('accepts the first and last characters of every length, and rejects every fault, wherever they lie', () => {
    const characters = BOUNDARIES.map((codePoint) => [...Buffer.from(String.fromCodePoint(codePoint))]);
    for (const sequence of [...characters, ...FAULTS.map(([, fault]) => fault)]) {
      for (let before = 0; before < 6; before++) {
        for (let after = 0; after < 6; after++) {
          const payload = Buffer.concat([Buffer.alloc(before, 'a'), Buffer.from(sequence), Buffer.alloc(after, 'z')]);
          bytes.set(payload, START);
          const expected = advance(payload, 0, payload.length, Utf8.ACCEPT);
          expect(validator.validate(START, payload.length, Utf8.ACCEPT)).toBe(expected);
        }
      }
    }
  });
});
