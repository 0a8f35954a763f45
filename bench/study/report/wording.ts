import { figure } from '#dist/cli/table.js';
import { ALIKE, Unreported } from '../findings.js';

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** The candidate that WASM with both copies is. */
export const COPYING = 'wasm, copy in and out';

/** The sentence that `describe` returns, or nothing if a figure that it needs is not reported. */
export function said(describe: () => string): string {
  try {
    return describe();
  } catch (error) {
    if (error instanceof Unreported) return '';
    throw error;
  }
}

/** A sentence of parts, each of which is left out by itself if a figure that it needs is not reported. Nothing if no part is left. */
export function sentenceOf(begin: string, parts: readonly (() => string)[], end = '.'): string {
  const left = parts.map(said).filter((part) => part !== '');
  if (left.length === 0) return '';
  const [last] = left.slice(-1);
  const text = left.length === 1 ? last : `${left.slice(0, -1).join(', ')}, and ${last}`;
  return `${begin} ${text}${end}`;
}

export function paragraph(...sentences: readonly string[]): string {
  return sentences.filter((sentence) => sentence !== '').join(' ');
}

/** `3.2 times as fast as`, `6 % slower than`, or `about as fast as` where the difference means nothing. */
export function asFastAs(ratio: number): string {
  return `${asFast(ratio)} ${isLittleSlower(ratio) ? 'than' : 'as'}`;
}

/** The same, where it is clear from what goes before as fast as what: `3.2 times as fast`, or `6 % slower`. */
export function asFast(ratio: number): string {
  if (Math.abs(ratio - 1) <= ALIKE) return 'about as fast';
  return isLittleSlower(ratio) ? `${percent(1 - ratio)} slower` : `${times(ratio)} as fast`;
}

/** Whether a part of the speed says more than a factor. */
function isLittleSlower(ratio: number): boolean {
  return ratio > 0.5 && ratio < 1 - ALIKE;
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
