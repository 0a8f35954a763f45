/** What each candidate is. A test holds these lists against those of ../candidates. */
import type { Operation } from '../candidates.js';
import { list } from '../markdown.js';

/** By operation, and by name. Pairs of candidates are described as one. */
export const DESCRIPTIONS: Readonly<Record<Operation, Readonly<Record<string, string>>>> = {
  unmask: {
    'js-byte': 'JavaScript, the naive loop: one byte a turn',
    'js-words': 'JavaScript, the plain loop: one word of 32 bits a turn',
    'js-words-8': 'the same, eight words a turn',
    'js-words-8, closure': 'the same, with its views in a closure instead of fields',
    'js-view-8': 'eight words of 32 bits a turn by a `DataView`, which need not begin at a multiple of four',
    'js-bigint': 'one word of 64 bits (BigInt) a turn',
    'js-bigint-4': 'the same, four words a turn, in a closure',
    js: 'JavaScript as this package ships it, written for V8: up to 47 bytes a loop over words of 32 bits, from 48 on words of 64 bits (BigInt), eight a turn, in a closure over its views',
    'js-byte, of a view':
      'the naive loop, over bytes in ordinary memory: a `Uint8Array` that lies anywhere in its buffer',
    'js-words-8, of a view':
      'eight words of 32 bits a turn, over the same, in an `Int32Array` that each call makes; below 48 bytes the naive loop',
    'js-view-8, of a view': 'the same in a `DataView` that each call makes; below 48 bytes the naive loop',
    'js-bigint-4, of a view':
      'four words of 64 bits (BigInt) a turn, in a `BigInt64Array` that each call makes; below 48 bytes the naive loop',
    'js-words-8, kept, of a view':
      'eight words of 32 bits a turn, in a view of the whole buffer that is kept until another buffer comes; below 16 bytes the naive loop',
    'js-bigint-4, kept, of a view':
      'four words of 64 bits (BigInt) a turn, in a view that is kept in the same way; below 16 bytes the naive loop',
    'js-words-8, closure, of a view':
      'eight words of 32 bits a turn, in a view in a closure over the one buffer that all reads go to; below 16 bytes the naive loop',
    'js-bigint-4, closure, of a view': 'four words of 64 bits (BigInt) a turn, in a closure in the same way',
    auto: 'what this package uses by default: JavaScript up to 2 bytes, and WASM with SIMD from there on',
    'wasm-scalar': 'WASM without SIMD, in place',
    wasm: 'WASM with SIMD, in place',
    bufferutil: 'native code, the add-on that `ws` uses',
    websocketUnmask: 'native code, `http.websocketUnmask`, which Node has from 26.12 on',
    'wasm, copy in': 'WASM with SIMD for bytes in ordinary memory, which are copied in',
    'wasm, copy in and out': 'the same, and copied out again',
  },
  validate: {
    'js-dfa': 'JavaScript, an automaton: one byte a step',
    'js-words': 'JavaScript, words of ASCII at once, and the automaton for others',
    'js-branches': 'JavaScript, words of ASCII at once, and for other characters a branch for each length',
    js: 'JavaScript as this package ships it: texts of up to 47 bytes as `js-words`; from 48 on four words at once if they are ASCII, and otherwise an automaton that finds its next state by a shift; from 256 on what is ASCII at the beginning by words of 64 bits',
    TextDecoder: '`TextDecoder` with `fatal`, which also makes a string',
    'wasm-scalar': 'WASM without SIMD',
    wasm: 'WASM with SIMD, after Keiser and Lemire, with relaxed SIMD (instructions whose results may differ between processors in cases that do not matter here) where the engine has it',
    'wasm, not relaxed': 'the same without relaxed SIMD',
    'wasm, constant tables': 'the same with tables that are constants of the code, and not loaded from memory',
    'wasm, copy in': 'WASM with SIMD for bytes in ordinary memory, which are copied in',
    isUtf8: 'native code, `buffer.isUtf8` of Node, of a view that exists already',
    auto: 'what this package uses by default: JavaScript for the shortest, WASM with SIMD, and `native` from 896 bytes on',
    native:
      '`isUtf8` as the server calls it, and no other native code (in the framing loop and the server `native` also unmasks): a view is made for each call, and characters that the ends of the range cut are validated',
  },
  unmaskText: {
    'js-byte, fused': 'both in one pass, by bytes',
    'js, fused': 'both in one pass, as this package ships it in JavaScript',
    'wasm-scalar, fused': 'both in one pass, by WASM without SIMD',
    'wasm, fused': 'both in one pass, by WASM with SIMD',
    'auto, fused':
      'what this package uses by default: WASM in one pass, and from 640 bytes on WASM that unmasks and finds the end of what is ASCII, and `native` for the rest',
  },
};

const TITLES: Readonly<Record<Operation, string>> = {
  unmask: '**Unmasking**',
  validate: '**Validation of UTF-8**',
  unmaskText: '**Both**, where `a + b` unmasks a whole message by `a` and then validates it by `b`, each as above',
};

/** A list for each operation. @param took the candidates of an operation that took part, on any engine */
export function candidatesList(took: (op: Operation) => readonly string[]): string {
  return (['unmask', 'validate', 'unmaskText'] as const)
    .map((op) => {
      const names = took(op).filter((name) => DESCRIPTIONS[op][name] !== undefined);
      return `${TITLES[op]}:\n\n${list(names.map((name) => `\`${name}\`: ${DESCRIPTIONS[op][name]}`))}`;
    })
    .join('\n\n');
}
