import { InvalidArgumentError } from 'commander';
import { NEVER_BYTES, THRESHOLD_NAMES, type Thresholds } from '../kernels/thresholds.js';
import { parseSize } from './values.js';

/** What follows each name in the API, and need not be said on the command line. */
const UNIT = 'FromBytes';

const EXAMPLE = 'unmaskWasm=3,validateNative=1KiB';

/** Thresholds as `--thresholds` takes them. */
export function showThresholds(thresholds: Thresholds): string {
  return THRESHOLD_NAMES.map((name) => {
    const bytes = thresholds[name];
    return `${name.slice(0, -UNIT.length)}=${bytes === NEVER_BYTES ? 'never' : bytes}`;
  }).join(',');
}

/** @throws InvalidArgumentError if it is not a list of names and sizes, each name once. */
export function parseThresholds(text: string): Partial<Thresholds> {
  const thresholds: Partial<Record<keyof Thresholds, number>> = {};
  for (const part of text.split(',')) {
    const [short, size, ...more] = part.split('=');
    const name = THRESHOLD_NAMES.find((one) => one === `${short}${UNIT}`);
    if (name === undefined || size === undefined || more.length > 0) {
      const names = THRESHOLD_NAMES.map((one) => one.slice(0, -UNIT.length)).join(', ');
      throw new InvalidArgumentError(`It must be sizes by name, like ${EXAMPLE}; the names are ${names}.`);
    }
    if (thresholds[name] !== undefined) throw new InvalidArgumentError(`It must have ${short} once.`);
    thresholds[name] = size === 'never' ? NEVER_BYTES : parseSize(size);
  }
  return thresholds;
}
