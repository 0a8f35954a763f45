import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rotateKey } from '../../dist/kernels/kernel.js';
import { advance, Utf8 } from '../../dist/kernels/utf8.js';
import { bytes, FREE, holds, KERNELS, KEY, place, untouchedAround, xor } from './all-kernels.js';
import { BOUNDARIES, FAULTS, mutatedText, text, validText, verdict, verdictOf } from './texts.js';

const START = FREE + 64;
/** How much ASCII stands in front of the tested bytes: none, lengths at which vectors cut them, and whole turns of the loop. */
const LEADS_IN = [0, 12, 13, 14, 15, 16, 29, 30, 31, 32, 61, 62, 63, 64, 65];
const LEADS_OUT = [0, 1, 15, 16, 33, 70];
const SCRIPTS = ['plain ASCII, nothing else. ', 'Grüße, été, żółw, ', '床前明月光', 'ok 🚀👍🏽 '];

/** The reference, which utf8.test.ts holds against Node. */
function reference(bytes: Uint8Array, state: number = Utf8.ACCEPT): number {
  return advance(bytes, 0, bytes.length, state);
}

function padded(sequence: readonly number[], before: number, after: number): Buffer {
  return Buffer.concat([Buffer.alloc(before, 'a'), Buffer.from(sequence), Buffer.alloc(after, 'z')]);
}

describe.each(KERNELS)('validation by %s', (_, kernel) => {
  function stateAfter(payload: Uint8Array, state: number = Utf8.ACCEPT): number {
    place(payload, START);
    return kernel.validate(START, payload.length, state);
  }

  it('accepts the first and last characters of every length, wherever they lie', () => {
    for (const codePoint of BOUNDARIES) {
      const character = [...Buffer.from(String.fromCodePoint(codePoint))];
      for (const before of LEADS_IN) {
        for (const after of LEADS_OUT) expect(stateAfter(padded(character, before, after))).toBe(Utf8.ACCEPT);
      }
    }
  });

  it.each(FAULTS)('rejects %s, wherever it lies', (_, fault) => {
    for (const before of LEADS_IN) {
      for (const after of LEADS_OUT) expect(stateAfter(padded(fault, before, after))).toBe(Utf8.REJECT);
    }
  });

  it('agrees with the automaton on every pair of bytes, alone and inside vectors', () => {
    for (const [before, after] of [
      [0, 0],
      [15, 30],
    ] as const) {
      const payload = padded([0, 0], before, after);
      place(payload, START);
      for (let pair = 0; pair < 65536; pair++) {
        payload[before] = bytes[START + before] = pair >> 8;
        payload[before + 1] = bytes[START + before + 1] = pair & 0xff;
        const state = kernel.validate(START, payload.length, Utf8.ACCEPT);
        if (state !== reference(payload)) expect.fail(`${payload.toString('hex')} gives ${state}`);
      }
    }
  });

  it('agrees with the automaton on every lead and second byte with every kind of byte after them, inside vectors', () => {
    const before = 14;
    const payload = padded([0, 0, 0, 0], before, 20);
    place(payload, START);
    for (let lead = 0xc0; lead < 256; lead++) {
      for (let second = 0; second < 256; second++) {
        for (const third of [0x7f, 0x80, 0xbf]) {
          for (const fourth of [0x41, 0x80]) {
            payload[before] = bytes[START + before] = lead;
            payload[before + 1] = bytes[START + before + 1] = second;
            payload[before + 2] = bytes[START + before + 2] = third;
            payload[before + 3] = bytes[START + before + 3] = fourth;
            const state = kernel.validate(START, payload.length, Utf8.ACCEPT);
            if (state !== reference(payload)) expect.fail(`${payload.toString('hex')} gives ${state}`);
          }
        }
      }
    }
  });

  it('agrees with Node on valid, spoilt and random bytes, and is in the same state as every other kernel', () => {
    fc.assert(
      fc.property(text, (payload) => {
        const state = stateAfter(payload);
        expect(state).toBe(reference(payload));
        expect(verdictOf(state)).toBe(verdict(payload));
      }),
      { numRuns: 300 },
    );
  });

  it('carries a character across a cut anywhere', () => {
    fc.assert(
      fc.property(text, (payload) => {
        place(payload, START);
        const whole = reference(payload);
        for (let cut = 0; cut <= payload.length; cut++) {
          const state = kernel.validate(START, cut, Utf8.ACCEPT);
          if (kernel.validate(START + cut, payload.length - cut, state) !== whole) {
            expect.fail(`differs when cut at ${cut}: ${payload.toString('hex')}`);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('rejects at the very byte that makes the text invalid, fed byte by byte or in one range', () => {
    fc.assert(
      fc.property(fc.oneof(mutatedText, text), (payload) => {
        place(payload, START);
        let state: number = Utf8.ACCEPT;
        let expected: number = Utf8.ACCEPT;
        for (let at = 0; at < payload.length; at++) {
          expected = advance(payload, at, at + 1, expected);
          state = kernel.validate(START + at, 1, state);
          expect(state).toBe(expected);
          expect(kernel.validate(START, at + 1, Utf8.ACCEPT)).toBe(expected);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('goes on from every state', () => {
    fc.assert(
      fc.property(text, fc.constantFrom(...Object.values(Utf8)), (payload, state) => {
        expect(stateAfter(payload, state)).toBe(reference(payload, state));
      }),
    );
  });

  it('finds the one wrong byte in a long text', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SCRIPTS),
        fc.nat(9999),
        fc.nat(255),
        fc.nat(15),
        (script, position, byte, offset) => {
          const payload = Buffer.from(script.repeat(Math.ceil(10_000 / Buffer.byteLength(script))));
          payload[position] = byte;
          place(payload, START + offset);
          expect(kernel.validate(START + offset, payload.length, Utf8.ACCEPT)).toBe(reference(payload));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('writes nothing', () => {
    for (const script of SCRIPTS) {
      const payload = Buffer.from(script.repeat(20));
      stateAfter(payload);
      expect(holds(payload, START) && untouchedAround(START, payload.length)).toBe(true);
    }
  });
});

describe.each(KERNELS)('unmasking and validation at once by %s', (_, kernel) => {
  it('gives what unmasking and then validating gives, at any alignment, phase and state', () => {
    const states = fc.constantFrom(...Object.values(Utf8));
    fc.assert(
      fc.property(text, fc.nat(15), fc.nat(3), states, (payload, shift, phase, state) => {
        const offset = START + shift;
        place(xor(payload, phase), offset);
        const expected = reference(payload, state);
        expect(kernel.unmaskText(offset, payload.length, rotateKey(KEY, phase), state)).toBe(expected);
        if (expected !== Utf8.REJECT) expect(holds(payload, offset)).toBe(true);
        expect(untouchedAround(offset, payload.length)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('unmasks text of every script at every length to 300 and alignment, and writes nowhere else', () => {
    for (const script of SCRIPTS) {
      const whole = Buffer.from(script.repeat(300));
      for (let length = 0; length <= 300; length++) {
        const payload = whole.subarray(0, length);
        const masked = xor(payload);
        const expected = reference(payload);
        for (let shift = 0; shift < 16; shift++) {
          place(masked, START + shift);
          const state = kernel.unmaskText(START + shift, length, KEY, Utf8.ACCEPT);
          if (state !== expected || !holds(payload, START + shift) || !untouchedAround(START + shift, length)) {
            expect.fail(`wrong for ${length} bytes of "${script}" at alignment ${shift}`);
          }
        }
      }
    }
  });

  it('unmasks long text of every script', () => {
    for (const script of SCRIPTS) {
      const payload = Buffer.from(script.repeat(3000));
      place(xor(payload), START + 6);
      expect(kernel.unmaskText(START + 6, payload.length, KEY, Utf8.ACCEPT)).toBe(Utf8.ACCEPT);
      expect(holds(payload, START + 6)).toBe(true);
      expect(untouchedAround(START + 6, payload.length)).toBe(true);
    }
  });

  it('carries a character and the phase of the key across a cut anywhere', () => {
    fc.assert(
      fc.property(validText, (payload) => {
        const masked = xor(payload);
        for (let cut = 0; cut <= payload.length; cut++) {
          place(masked, START);
          const state = kernel.unmaskText(START, cut, KEY, Utf8.ACCEPT);
          const end = kernel.unmaskText(START + cut, payload.length - cut, rotateKey(KEY, cut), state);
          if (end !== Utf8.ACCEPT || !holds(payload, START)) expect.fail(`wrong when cut at ${cut}`);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('rejects at the very byte that makes the text invalid', () => {
    fc.assert(
      fc.property(mutatedText, (payload) => {
        const masked = xor(payload);
        for (let length = 0; length <= payload.length; length++) {
          place(masked, START);
          const state = kernel.unmaskText(START, length, KEY, Utf8.ACCEPT);
          if (state !== reference(payload.subarray(0, length))) expect.fail(`wrong at ${length}`);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('kernels that take turns in one stream', () => {
  it('agree with Node on the whole of it', () => {
    const turn = fc.record({ kernel: fc.nat(KERNELS.length - 1), length: fc.nat(90), fused: fc.boolean() });
    fc.assert(
      fc.property(text, fc.array(turn, { minLength: 1, maxLength: 12 }), (payload, turns) => {
        place(xor(payload), START);
        let state: number = Utf8.ACCEPT;
        let at = 0;
        for (let i = 0; at < payload.length && state !== Utf8.REJECT; i++) {
          // Modulo an array that is not empty, an index is in range.
          const { kernel: index, length: wanted, fused } = turns[i % turns.length] as (typeof turns)[number];
          const [, kernel] = KERNELS[index] as (typeof KERNELS)[number];
          const length = Math.min(wanted + 1, payload.length - at);
          const key = rotateKey(KEY, at);
          if (fused) {
            state = kernel.unmaskText(START + at, length, key, state);
          } else {
            kernel.unmask(START + at, length, key);
            state = kernel.validate(START + at, length, state);
          }
          at += length;
        }
        expect(state === Utf8.ACCEPT).toBe(isUtf8(payload));
        expect(verdictOf(state)).toBe(verdict(payload));
      }),
      { numRuns: 500 },
    );
  });
});
