/** The symbols of blocks with codes: literals, and matches, which are copied from what is there already. */
import {
  AT,
  BITS,
  bitsLeft,
  COUNT,
  CUT,
  DISTANCE_SYMBOL,
  DISTANCES,
  DISTANCES_LOOKUP,
  FIXED_DISTANCE_BITS,
  FIXED_DISTANCES,
  FIXED_LITERAL_BITS,
  FIXED_LITERALS,
  GO_ON,
  HEADER,
  LITERAL_SYMBOL,
  LITERALS,
  LITERALS_LOOKUP,
  NEEDS_ROOM,
  OLDEST,
  OUT,
  PAUSED,
  PHASE,
  readTail,
  SAFE,
  TOO_FAR,
  unlessCut,
} from './inflate-state';
import {
  END,
  EXCEPTIONAL,
  INVALID,
  LITERAL,
} from './inflate-tables';

/** Free room that one round of the fast loop needs: three literals, a match, and what its copy writes beyond. */
const FAST_ROOM: usize = 3 + 258 + 31;

/** For distances below 8: eight bytes that repeat the bytes of such a distance are these bytes, times the number here. */
const repeats = memory.data(8 * 8, 16);
/** How many of eight such bytes are whole repetitions. */
const wholes = memory.data<u8>([8, 8, 8, 6, 8, 5, 6, 7]);

for (let distance = 1; distance < 8; ++distance) {
  let repeat: u64 = 0;
  for (let at = 0; at < 8; at += distance) repeat |= <u64>1 << (at << 3);
  store<u64>(repeats + <usize>(distance << 3), repeat);
}

/**
 * The symbols of a block, up to its end, to the limit, or to where it pauses. The fast loop goes on while there is room for all that
 * a round can write and input for all that it can read; the careful part behind it does one symbol, and looks before it writes.
 */
export function decode(region: usize, limit: usize, pause: usize): i32 {
  let at = <usize>load<u32>(region, AT);
  let bits = load<u64>(region, BITS);
  let count = <u64>load<u32>(region, COUNT);
  let out = <usize>load<u32>(region, OUT);
  let safe = <usize>load<u32>(region, SAFE);
  const oldest = <usize>load<u32>(region, OLDEST);
  const literalBits = load<u32>(region, LITERALS_LOOKUP);
  const isFixed = literalBits == 0;
  const literals = region + (isFixed ? FIXED_LITERALS : LITERALS);
  const literalMask: u32 = (1 << (isFixed ? FIXED_LITERAL_BITS : literalBits)) - 1;
  const distances = region + (isFixed ? FIXED_DISTANCES : DISTANCES);
  const distanceMask: u32 = (1 << (isFixed ? FIXED_DISTANCE_BITS : load<u32>(region, DISTANCES_LOOKUP))) - 1;
  const fast = min(limit - FAST_ROOM, pause);

  let result: i32 = GO_ON;
  let entry: u64 = 0;
  while (true) {
    while (at <= safe && out < fast) {
      bits |= load<u64>(at) << count;
      at += 7 - <usize>((count >> 3) & 7);
      count |= 56;
      entry = <u64>load<u32>(literals + ((<u32>bits & literalMask) << 2));
      // At most three literals of 11 bits, or two and a length of 15 and 5, or 11 and 20.
      if (entry & LITERAL) {
        bits >>= entry;
        count -= entry;
        store<u8>(out, <u8>(entry >> 16));
        entry = <u64>load<u32>(literals + ((<u32>bits & literalMask) << 2));
        ++out;
        if (entry & LITERAL) {
          bits >>= entry;
          count -= entry;
          store<u8>(out, <u8>(entry >> 16));
          entry = <u64>load<u32>(literals + ((<u32>bits & literalMask) << 2));
          ++out;
          if (entry & LITERAL) {
            bits >>= entry;
            count -= entry;
            store<u8>(out, <u8>(entry >> 16));
            ++out;
            continue;
          }
        }
      }
      if (entry & EXCEPTIONAL) {
        if ((entry & (END | INVALID)) == 0) {
          bits >>= entry;
          count -= entry;
          entry = second(literals, entry, bits);
          if (entry & LITERAL) {
            bits >>= entry;
            count -= entry;
            store<u8>(out, <u8>(entry >> 16));
            ++out;
            continue;
          }
        }
        if (entry & EXCEPTIONAL) {
          bits >>= entry;
          count -= entry;
          store<u32>(region, HEADER, PHASE);
          result = unlessCut(region, at, count, entry & END ? GO_ON : LITERAL_SYMBOL);
          break;
        }
      }
      const length = lengthOf(entry, bits);
      bits >>= entry;
      count -= entry;
      bits |= load<u64>(at) << count;
      at += 7 - <usize>((count >> 3) & 7);
      count |= 56;
      entry = <u64>load<u32>(distances + ((<u32>bits & distanceMask) << 2));
      if (entry & EXCEPTIONAL) {
        if ((entry & INVALID) == 0) {
          bits >>= entry;
          count -= entry;
          entry = second(distances, entry, bits);
        }
        if (entry & INVALID) {
          result = unlessCut(region, at, count - entry, DISTANCE_SYMBOL);
          break;
        }
      }
      const distance = distanceOf(entry, bits);
      bits >>= entry;
      count -= entry;
      if (distance > out - oldest) {
        result = unlessCut(region, at, count, TOO_FAR);
        break;
      }
      const end = out + length;
      let from = out - distance;
      if (ASC_FEATURE_SIMD) {
        if (distance >= 16) {
          v128.store(out, v128.load(from));
          v128.store(out, v128.load(from, 16), 16);
          if (length > 32) {
            do {
              out += 32;
              from += 32;
              v128.store(out, v128.load(from));
              v128.store(out, v128.load(from, 16), 16);
            } while (out + 32 < end);
          }
          out = end;
          continue;
        }
      }
      if (distance >= 8) {
        do {
          store<u64>(out, load<u64>(from));
          out += 8;
          from += 8;
        } while (out < end);
      } else {
        const eight =
          (load<u64>(from) & (((<u64>1) << (distance << 3)) - 1)) * load<u64>(repeats + (distance << 3));
        const step = <usize>load<u8>(wholes + distance);
        do {
          store<u64>(out, eight);
          out += step;
        } while (out < end);
      }
      out = end;
    }
    if (result != GO_ON || load<u32>(region, PHASE) == HEADER) break;

    if (out >= pause) {
      result = PAUSED;
      break;
    }
    if (at > safe) {
      at = readTail(region, at);
      if (at == 0) {
        result = CUT;
        break;
      }
      safe = <usize>load<u32>(region, SAFE);
      continue;
    }

    bits |= load<u64>(at) << count;
    at += 7 - <usize>((count >> 3) & 7);
    count |= 56;
    const symbolAt = at;
    const symbolBits = bits;
    const symbolCount = count;
    entry = <u64>load<u32>(literals + ((<u32>bits & literalMask) << 2));
    if ((entry & EXCEPTIONAL) != 0 && (entry & (END | INVALID)) == 0) {
      bits >>= entry;
      count -= entry;
      entry = second(literals, entry, bits);
    }
    let length: usize = 1;
    let distance: usize = 0;
    if (entry & (LITERAL | EXCEPTIONAL)) {
      bits >>= entry;
      count -= entry;
      if (entry & EXCEPTIONAL) {
        store<u32>(region, HEADER, PHASE);
        result = unlessCut(region, at, count, entry & END ? GO_ON : LITERAL_SYMBOL);
        break;
      }
    } else {
      length = lengthOf(entry, bits);
      bits >>= entry;
      count -= entry;
      bits |= load<u64>(at) << count;
      at += 7 - <usize>((count >> 3) & 7);
      count |= 56;
      let far = <u64>load<u32>(distances + ((<u32>bits & distanceMask) << 2));
      if ((far & EXCEPTIONAL) != 0 && (far & INVALID) == 0) {
        bits >>= far;
        count -= far;
        far = second(distances, far, bits);
      }
      distance = distanceOf(far, bits);
      bits >>= far;
      count -= far;
      if (far & INVALID) {
        result = unlessCut(region, at, count, DISTANCE_SYMBOL);
        break;
      }
      if (distance > out - oldest) {
        result = unlessCut(region, at, count, TOO_FAR);
        break;
      }
    }
    if (bitsLeft(region, at, count) < 0) {
      result = CUT;
      break;
    }
    if (length > limit - out) {
      at = symbolAt;
      bits = symbolBits;
      count = symbolCount;
      result = NEEDS_ROOM;
      break;
    }
    if (distance == 0) {
      store<u8>(out, <u8>(entry >> 16));
      ++out;
    } else {
      const end = out + length;
      for (; out < end; ++out) store<u8>(out, load<u8>(out - distance));
    }
  }
  store<u32>(region, <u32>at, AT);
  store<u64>(region, bits, BITS);
  store<u32>(region, <u32>(count & 63), COUNT);
  store<u32>(region, <u32>out, OUT);
  return result;
}

/** An entry of the second table that a pointer leads to. The bits of the first are consumed. */
// @ts-ignore: decorator
@inline
function second(table: usize, pointer: u64, bits: u64): u64 {
  const index = <u32>(pointer >> 16) + (<u32>bits & ((1 << (<u32>(pointer >> 8) & 15)) - 1));
  return <u64>load<u32>(table + (index << 2));
}

/** The length that an entry and the extra bits behind its codeword stand for. */
// @ts-ignore: decorator
@inline
function lengthOf(entry: u64, bits: u64): usize {
  return <usize>(((entry >> 16) & 0x1ff) + ((bits >> ((entry >> 8) & 15)) & (entry >> 25)));
}

/** The distance, likewise. */
// @ts-ignore: decorator
@inline
function distanceOf(entry: u64, bits: u64): usize {
  return <usize>((entry >> 16) + ((bits & (((<u64>1) << entry) - 1)) >> ((entry >> 8) & 15)));
}
