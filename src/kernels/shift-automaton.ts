/**
 * The automaton of ./utf8 in a form in which a byte costs one shift. Each state has a position in a word of 32 bits. Each byte
 * has a row, a word that holds five bits at the position of each state: the position of the next state. So one step is
 * `ROWS[byte] >> state`, and what a byte costs is this shift, because the row does not depend on the state. Shifts take their count
 * modulo 32, which hides all but five bits. (A table of next states costs the time of a load from the cache, about five times as
 * much.)
 *
 * Nine states of five bits do not fit into 32 bits. But the fields may overlap where all rows agree, and there are positions for
 * which they do. A search over all positions has found these.
 */
import { NEXT_STATE, Utf8 } from './utf8.js';

const STATES = Object.values(Utf8);

/** The position of each state, at its number. */
export const POSITIONS: Readonly<Uint8Array> = Uint8Array.of(6, 0, 16, 1, 18, 19, 25, 11, 24);

/** The state at each position. */
export const STATE_AT: Readonly<Uint8Array> = statesByPosition();

/** The row of each byte. No row has its highest bit set, and so `>>` and `>>>` do the same. */
export const ROWS: Readonly<Int32Array> = rows();

function statesByPosition(): Uint8Array {
  const states = new Uint8Array(32).fill(Utf8.REJECT);
  for (const state of STATES) states[POSITIONS[state] as number] = state;
  return states;
}

function rows(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) =>
    STATES.reduce((row: number, state) => {
      const next = NEXT_STATE[(state << 8) | byte] as number;
      return row | ((POSITIONS[next] as number) << (POSITIONS[state] as number));
    }, 0),
  );
}
