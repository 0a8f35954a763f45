import { figure } from '#dist/cli/table.js';
import { Unreported } from '../findings.js';

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** Differences below this are within what two measurements of the same thing differ by. */
export const ALIKE = 0.05;

/** What `tell` says, or nothing if a figure that it needs is not reported. */
export function said(tell: () => string): string {
  try {
    return tell();
  } catch (error) {
    if (error instanceof Unreported) return '';
    throw error;
  }
}

export function paragraph(...sentences: readonly string[]): string {
  return sentences.filter((sentence) => sentence !== '').join(' ');
}

/** `3.2 times as fast as`, or `as fast as` where the difference is none. */
export function asFastAs(ratio: number): string {
  return Math.abs(ratio - 1) <= ALIKE ? 'about as fast as' : `${times(ratio)} as fast as`;
}

export function times(ratio: number): string {
  return `${figure(ratio)} times`;
}

export function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
