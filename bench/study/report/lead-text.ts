/** Where one candidate is ahead of another, in words. */
import { size } from '../findings.js';
import type { Lead, Run } from '../lead.js';
import { enumeration } from '../markdown.js';

/** Runs in words: `from 1 KiB on`, `from 512 B to 32 KiB`, `at 16 KiB`, or several of these. */
function runsText(runs: readonly Run[]): string {
  return enumeration(
    runs.map(({ first, last, isOpen }) => {
      if (isOpen) return `from ${size(first)} on`;
      return first === last ? `at ${size(first)}` : `from ${size(first)} to ${size(last)}`;
    }),
  );
}

/** A lead in words: `from 1 KiB on`, `only at 16 KiB`, or `at no size (undecided from 4 KiB to 16 KiB)`. */
export function leadText(lead: Lead): string {
  const { ahead } = lead;
  const [only] = ahead;
  const isOne = ahead.length === 1 && only?.isOpen === false && only.first === only.last;
  return `${ahead.length === 0 ? 'at no size' : `${isOne ? 'only ' : ''}${runsText(ahead)}`}${undecidedText(lead)}`;
}

/** The same for a cell of a table: `from 512 B to 32 KiB; undecided: 256 B, 4 KiB to 16 KiB`. */
export function leadCell({ ahead, undecided }: Lead): string {
  const open = undecided.map(({ first, last, isOpen }) => {
    if (isOpen) return `from ${size(first)} on`;
    return first === last ? size(first) : `${size(first)} to ${size(last)}`;
  });
  return `${leadText({ ahead, undecided: [] })}${open.length === 0 ? '' : `; undecided: ${open.join(', ')}`}`;
}

/** The part of it in brackets; nothing where all is decided. */
export function undecidedText({ undecided }: Lead): string {
  return undecided.length === 0 ? '' : ` (undecided ${runsText(undecided)})`;
}
