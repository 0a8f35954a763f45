/** INFLATE (RFC 1951) of one message (RFC 7692 section 7.2.2): the functions that are called from outside. */
import { readHeader } from './inflate-headers';
import {
  AT,
  FIXED_DISTANCE_BITS,
  FIXED_DISTANCES,
  FIXED_LITERAL_BITS,
  FIXED_LITERALS,
  GO_ON,
  HEADER,
  INPUT_END,
  IS_LAST,
  LENGTHS,
  LITERALS_LOOKUP,
  NEEDS_ROOM,
  OLDEST,
  ORDER,
  OUT,
  OUT_BEGIN,
  PAUSED,
  PHASE,
  readFrom,
  STORED,
  STORED_LEFT,
} from './inflate-state';
import { decode } from './inflate-symbols';
import {
  buildTable,
  distanceEntries,
  literalEntries,
  ORDER_BYTES,
} from './inflate-tables';

// What a block's header costs of the work, in bytes of output that take as long, about.
const STORED_WORK: i64 = 32;
const FIXED_WORK: i64 = 16;
const DYNAMIC_WORK: i64 = 2048;

/** How many bytes of a region are used. The caller gives what src/kernels/inflater.ts says, which a test compares. */
export function inflateRegionBytes(): i32 {
  return <i32>ORDER + ORDER_BYTES;
}

/** Makes a region ready: its tables of fixed codes (RFC 1951 section 3.2.6). Once is enough. */
export function inflateInit(region: usize): void {
  const lengths = region + LENGTHS;
  memory.fill(lengths, 8, 144);
  memory.fill(lengths + 144, 9, 112);
  memory.fill(lengths + 256, 7, 24);
  memory.fill(lengths + 280, 8, 8);
  buildTable(region + FIXED_LITERALS, lengths, 288, FIXED_LITERAL_BITS, literalEntries, region + ORDER, false);
  memory.fill(lengths, 5, 32);
  buildTable(region + FIXED_DISTANCES, lengths, 32, FIXED_DISTANCE_BITS, distanceEntries, region + ORDER, false);
}

/**
 * Begins a message, whose `length` bytes lie at `from`. `history` bytes lie in front of `out`.
 * @returns as `inflateGoOn`.
 */
export function inflate(region: usize, from: usize, length: usize, out: usize, history: usize, limit: usize, work: u32): i32 {
  store<u32>(region, <u32>(from + length), INPUT_END);
  store<u32>(region, <u32>out, OUT);
  store<u32>(region, <u32>out, OUT_BEGIN);
  store<u32>(region, <u32>(out - history), OLDEST);
  store<u32>(region, HEADER, PHASE);
  store<u32>(region, 0, IS_LAST);
  readFrom(region, from);
  return inflateGoOn(region, limit, work);
}

/**
 * Goes on with the message of a region, up to `limit`, where nothing is written any more, or until about as many bytes are
 * written as `work` tells, with the headers of blocks in it.
 * @returns one of the results in ./inflate-state. After NEEDS_ROOM and PAUSED one may go on.
 */
export function inflateGoOn(region: usize, limit: usize, work: u32): i32 {
  let left: i64 = work;
  let result: i32;
  do {
    const phase = load<u32>(region, PHASE);
    if (phase == HEADER) {
      if (left <= 0) return PAUSED;
      result = readHeader(region);
      const type = load<u32>(region, PHASE);
      left -= type == STORED ? STORED_WORK : load<u32>(region, LITERALS_LOOKUP) == 0 ? FIXED_WORK : DYNAMIC_WORK;
    } else {
      const out = <usize>load<u32>(region, OUT);
      // At the limit itself there is no pause: the message may be over.
      const pause: usize = <i64>limit - out <= left ? <usize>-1 : out + <usize>(left > 0 ? left : 0);
      result = phase == STORED ? copyStored(region, limit, pause) : decode(region, limit, pause);
      left -= <i64>(load<u32>(region, OUT) - <u32>out);
    }
  } while (result == GO_ON);
  return result;
}

function copyStored(region: usize, limit: usize, pause: usize): i32 {
  const left = <usize>load<u32>(region, STORED_LEFT);
  const at = <usize>load<u32>(region, AT);
  const out = <usize>load<u32>(region, OUT);
  const length = min(left, min(limit, pause) - out);
  memory.copy(out, at, length);
  store<u32>(region, <u32>(at + length), AT);
  store<u32>(region, <u32>(out + length), OUT);
  store<u32>(region, <u32>(left - length), STORED_LEFT);
  if (length != left) return out + length == limit ? NEEDS_ROOM : PAUSED;
  store<u32>(region, HEADER, PHASE);
  return GO_ON;
}
