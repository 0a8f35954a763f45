import fc from 'fast-check';
import { SlabLedger } from './slab-ledger.js';

const SPAN = 64 * 1024;

export type SlabStep =
  | { readonly do: 'take'; readonly lengthBytes: number }
  | { readonly do: 'free' | 'grow'; readonly which: number };

/** A step. `which` selects a slab, as a fraction of the slabs that are taken then. */
export function slabSteps(): fc.Arbitrary<SlabStep> {
  const size = fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.integer({ min: 0, max: 4 }).map((bits) => SPAN >> bits),
    fc.integer({ min: 1, max: SPAN }),
    fc.integer({ min: SPAN, max: 20 * SPAN }),
  );
  const which = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  return fc.oneof(
    { weight: 4, arbitrary: size.map((lengthBytes) => ({ do: 'take' as const, lengthBytes })) },
    { weight: 3, arbitrary: which.map((of) => ({ do: 'free' as const, which: of })) },
    { weight: 2, arbitrary: which.map((of) => ({ do: 'grow' as const, which: of })) },
  );
}

/** Does the steps in a range of `spans` that begins anywhere. Then gives all slabs back, and takes the largest slabs. */
export function walk(start: number, spans: number, steps: readonly SlabStep[]): void {
  const ledger = new SlabLedger(start, spans * SPAN + (start % SPAN));
  for (const step of steps) {
    const count = ledger.taken.length;
    if (step.do === 'take') ledger.take(step.lengthBytes);
    else if (count > 0) ledger[step.do](Math.floor(step.which * count));
  }
  // In an order that depends on the steps.
  for (let turn = 0; ledger.taken.length > 0; turn++) ledger.free((turn * steps.length) % ledger.taken.length);
  for (let order = 10; order >= 0; order--) {
    if ((spans & (2 ** order)) !== 0 && ledger.take(2 ** order * SPAN) === undefined) {
      throw new Error(`no room for ${2 ** order} of ${spans} spans after all was given back`);
    }
  }
}
