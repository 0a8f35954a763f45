import { describe, expect, it } from 'vitest';
import { POSITIONS, ROWS, STATE_AT } from '../../dist/kernels/shift-automaton.js';
import { NEXT_STATE, Utf8 } from '../../dist/kernels/utf8.js';

const STATES = Object.values(Utf8);

describe('the automaton by shifts', () => {
  it('goes from every state with every byte where the table of next states goes, whatever the bits above are', () => {
    const wrong: string[] = [];
    for (const state of STATES) {
      for (let byte = 0; byte < 256; byte++) {
        for (const above of [0, 32, 0x7fff_ffe0]) {
          const position = (ROWS[byte] as number) >> ((POSITIONS[state] as number) | above);
          if (STATE_AT[position & 31] !== NEXT_STATE[(state << 8) | byte]) wrong.push(`${state} ${byte}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('gives each state a position of its own, in five bits', () => {
    expect(new Set(STATES.map((state) => POSITIONS[state]))).toHaveLength(STATES.length);
    for (const state of STATES) expect(STATE_AT[POSITIONS[state] as number]).toBe(state);
  });
});
