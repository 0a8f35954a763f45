import { INK } from '../chart-style.js';

/** Colours that have a contrast of 3 to a white page and to a dark one, and differ from each other, also for people who do not see red and green apart. */
const COLOURS: Readonly<Record<string, string>> = {
  'js-byte': '#7d8590',
  'js-dfa': '#7d8590',
  'js-words': '#6f7fd8',
  'js-words-8': '#a67c00',
  'js-words-8, closure': '#6b8e23',
  'js-view-8': '#2a9d8f',
  'js-bigint': '#d6719a',
  'js-bigint-4': '#b5507f',
  'js-branches': '#d6719a',
  js: '#3d7fd0',
  'js-words-8, kept, of a view': '#2a9d8f',
  'js-bigint-4, kept, of a view': '#2a9d8f',
  'js-words-8, closure, of a view': '#2a9d8f',
  'js-bigint-4, closure, of a view': '#2a9d8f',
  TextDecoder: '#2a9d8f',
  'wasm-scalar': '#a67c00',
  wasm: '#e8590c',
  'wasm, copy in': '#d6719a',
  'wasm, copy in and out': '#b5507f',
  bufferutil: '#b072d1',
  isUtf8: '#b072d1',
  native: '#c0504d',
};
/** For candidates that are not named there. */
const OTHER_COLOURS = ['#6b8e23', '#2a9d8f', '#c0504d'];
const ENGINE_COLOURS = ['#6f7fd8', '#4c8dd6', '#2a9d8f', '#6b8e23', '#a67c00', '#e8590c', '#d6719a', '#b072d1'];
/** Of the kernels of a server, in the order of the chart. */
export const KERNEL_COLOURS: Readonly<Record<string, string>> = {
  wasm: '#e8590c',
  native: '#b072d1',
  auto: '#4c8dd6',
};

/** A colour for each candidate. */
export function coloursOf(candidates: readonly string[]): string[] {
  const others = candidates.filter((name) => COLOURS[name] === undefined);
  return candidates.map((name) => COLOURS[name] ?? OTHER_COLOURS[others.indexOf(name) % OTHER_COLOURS.length] ?? INK);
}

/** A colour for each of so many engines. After eight of them they begin again. */
export function engineColours(count: number): string[] {
  return Array.from({ length: count }, (_, i) => ENGINE_COLOURS[i % ENGINE_COLOURS.length] ?? INK);
}
