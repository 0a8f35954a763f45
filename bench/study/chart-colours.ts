import { INK } from '../chart-style.js';

/** How a line is drawn: its colour, and the lengths of its dashes and of the gaps between them; none for a solid line. */
export interface LineStyle {
  readonly colour: string;
  readonly dashes: readonly number[];
}

/** A colour for each way to do it. Each has a contrast of 3 to a white page and to a dark one. */
const Colour = {
  NAIVE: '#7d8590',
  WORDS: '#6f7fd8',
  BIGINT: '#d6719a',
  SHIPPED: '#3d7fd0',
  TEXT_DECODER: '#2a9d8f',
  SCALAR: '#a67c00',
  WASM: '#e8590c',
  NATIVE: '#b072d1',
  AUTO: '#c0504d',
} as const;

const SOLID: readonly number[] = [];
const LONG: readonly number[] = [8, 3];
const SHORT: readonly number[] = [4, 4];
const DOTS: readonly number[] = [2, 2];
const MIXED: readonly number[] = [8, 3, 2, 3];

/** What is done in the same way has the same colour in all charts of candidates, and its variants differ by their dashes. */
const STYLES: Readonly<Record<string, readonly [colour: string, dashes: readonly number[]]>> = {
  'js-byte': [Colour.NAIVE, SOLID],
  'js-dfa': [Colour.NAIVE, SOLID],
  'js-words': [Colour.WORDS, SOLID],
  'js-words-8': [Colour.WORDS, LONG],
  'js-words-8, closure': [Colour.WORDS, DOTS],
  'js-view-8': [Colour.WORDS, MIXED],
  'js-words-8, kept, of a view': [Colour.WORDS, SHORT],
  'js-words-8, closure, of a view': [Colour.WORDS, MIXED],
  'js-bigint': [Colour.BIGINT, SOLID],
  'js-bigint-4': [Colour.BIGINT, LONG],
  'js-bigint-4, kept, of a view': [Colour.BIGINT, SHORT],
  'js-bigint-4, closure, of a view': [Colour.BIGINT, MIXED],
  js: [Colour.SHIPPED, SOLID],
  TextDecoder: [Colour.TEXT_DECODER, SOLID],
  'wasm-scalar': [Colour.SCALAR, SOLID],
  wasm: [Colour.WASM, SOLID],
  'wasm, copy in': [Colour.WASM, LONG],
  'wasm, copy in and out': [Colour.WASM, DOTS],
  bufferutil: [Colour.NATIVE, SOLID],
  websocketUnmask: [Colour.NATIVE, LONG],
  isUtf8: [Colour.NATIVE, SOLID],
  native: [Colour.NATIVE, LONG],
};

const ENGINE_COLOURS = ['#6f7fd8', '#4c8dd6', '#2a9d8f', '#6b8e23', '#a67c00', '#e8590c', '#d6719a', '#b072d1'];

/** Of the kernels of a server, in the order of the chart. */
export const KERNEL_COLOURS: Readonly<Record<string, string>> = {
  wasm: Colour.WASM,
  native: Colour.NATIVE,
  auto: Colour.AUTO,
};

/** How the line of a candidate is drawn. One that has no style of its own is grey. */
export function styleOf(candidate: string): LineStyle {
  const [colour, dashes] = STYLES[candidate] ?? [INK, MIXED];
  return { colour, dashes };
}

/** A colour for each of so many engines. After eight of them they begin again. */
export function engineColours(count: number): string[] {
  return Array.from({ length: count }, (_, i) => ENGINE_COLOURS[i % ENGINE_COLOURS.length] ?? INK);
}
