/**
 * Streaming UTF-8 validation without SIMD: eight bytes at a time while they are ASCII between characters, the automaton
 * of ./dfa otherwise.
 */
import { isAccept, REJECT, run, shiftOf, stateOf, step8 } from './dfa';
import { doubled, unmask8, unmaskRest } from './unmask-scalar';

/** The bits that no ASCII byte has. */
export const NOT_ASCII: u64 = 0x8080808080808080;

export function validateScalar(offset: usize, length: usize, state: i32): i32 {
  if (state == REJECT) return REJECT;
  let at = offset;
  let left = length;
  let shift = shiftOf(state);
  while (left >= 8) {
    const bytes = load<u64>(at);
    if ((bytes & NOT_ASCII) != 0 || !isAccept(shift)) shift = step8(shift, bytes);
    at += 8;
    left -= 8;
  }
  return stateOf(run(at, left, shift));
}

export function unmaskTextScalar(offset: usize, length: usize, key: i32, state: i32): i32 {
  if (state == REJECT) return REJECT;
  const key8 = doubled(key);
  let at = offset;
  let left = length;
  let shift = shiftOf(state);
  while (left >= 8) {
    const bytes = unmask8(at, key8);
    if ((bytes & NOT_ASCII) != 0 || !isAccept(shift)) shift = step8(shift, bytes);
    at += 8;
    left -= 8;
  }
  const seen = unmaskRest(at, left, key8);
  if ((seen & NOT_ASCII) == 0 && isAccept(shift)) return stateOf(shift);
  return stateOf(run(at, left, shift));
}
