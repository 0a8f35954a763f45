import type { Dice } from '../fuzz/dice.js';
import { BitWriter, dynamic } from './bit-writer.js';

/**
 * A block whose codes are almost right: lengths that make a code, of which often one is changed, sent by a code for lengths that is
 * made likewise. Random bits follow.
 */
export function randomBlock(dice: Dice): Buffer {
  const used = () => (dice.chance(0.1) ? dice.below(3) : 1 + dice.size(40));
  const code = spoilt(dice, complete(dice, 19, 2 + dice.below(17), 7), 7);
  const writer = dynamic(new BitWriter(), {
    literals: spoilt(dice, complete(dice, 257 + dice.below(30), used(), 15, 256)),
    distances: spoilt(dice, complete(dice, 1 + dice.below(31), used(), 15)),
    ...(dice.chance(0.3) && { code }),
  });
  return Buffer.concat([writer.buffer, dice.bytes(dice.below(60))]);
}

/** Lengths of a complete code for about so many of the symbols, with `always` among them. */
function complete(dice: Dice, symbols: number, used: number, longest: number, always?: number): number[] {
  const sizes = used === 0 ? [] : [0];
  // A codeword is split in two, until there are enough of them.
  while (sizes.length < Math.min(used, symbols)) {
    const at = dice.below(sizes.length);
    const length = (sizes[at] as number) + 1;
    if (length > longest) break;
    sizes[at] = length;
    sizes.push(length);
  }
  const lengths: number[] = Array(symbols).fill(0);
  if (always !== undefined && sizes.length > 0) lengths[always] = Math.max(1, sizes.pop() as number);
  for (const size of sizes) {
    let symbol = dice.below(symbols);
    while (lengths[symbol] !== 0) symbol = (symbol + 1) % symbols;
    lengths[symbol] = Math.max(1, size);
  }
  return lengths;
}

/** Half of the time, with one length changed. */
function spoilt(dice: Dice, lengths: number[], longest = 15): number[] {
  if (dice.chance(0.5)) return lengths;
  const at = dice.below(lengths.length);
  const length = lengths[at] as number;
  lengths[at] = dice.chance(0.5)
    ? dice.below(longest + 1)
    : Math.min(longest, Math.max(0, length + (dice.chance(0.5) ? 1 : -1)));
  return lengths;
}
