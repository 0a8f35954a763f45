import { type Engine, size } from '../findings.js';
import { list } from '../markdown.js';
import type { Study } from '../results.js';
import { gainsOf } from '../servers.js';
import { caseName } from './load-name.js';
import { spreadOf } from './meaning.js';
import { ALIKE, asFast, asFastAs, KIB, said, times } from './wording.js';

/** From this size on, messages of a server are read one by one, and unmasking is all that its kernels do differently to binary ones. */
const ALONE_BYTES = 16 * KIB;

export function surprises(study: Study, main: Engine, all: readonly Engine[]): string {
  const unmask = (candidate: string, bytes = KIB, pattern: 'hot' | 'cold' = 'hot') =>
    main.speed({ op: 'unmask', candidate, bytes, pattern });
  const found = [
    said(() => {
      const [written, wasm] = [unmask('js') / unmask('js-byte'), unmask('wasm') / unmask('js')];
      return written > wasm
        ? `To write the JavaScript well brings more than to go on to WebAssembly: unmasking 1 KiB gets ${times(written)} as fast from the naive loop to the JavaScript of this package, and ${times(wasm)} from there to WASM with SIMD.`
        : '';
    }),
    said(() => {
      const penalty =
        main.ns({ op: 'validate', content: 'invalid at the start', bytes: KIB, candidate: 'TextDecoder' }) /
        main.ns({ op: 'validate', content: 'json', bytes: KIB, candidate: 'TextDecoder' });
      return penalty > 1 + ALIKE
        ? `\`TextDecoder\` takes ${times(penalty)} as long to refuse 1 KiB whose first byte is wrong as to accept 1 KiB: the exception takes longer than the text. Input from attackers should not be the slowest case.`
        : '';
    }),
    said(() => {
      const ratio = unmask('js-bigint') / unmask('js-words');
      return ratio > 1 + ALIKE
        ? `BigInt is known to be slow, but a loop over words of 64 bits in a \`BigInt64Array\` needs no BigInt objects: it is ${times(ratio)} as fast as the same loop over words of 32 bits (1 KiB).`
        : '';
    }),
    said(() => {
      const ratio = unmask('wasm, copy in and out', 64 * KIB) / unmask('bufferutil', 64 * KIB);
      return ratio >= 1 - ALIKE ? `Even with copies in and out, WASM is ${asFastAs(ratio)} bufferutil at 64 KiB.` : '';
    }),
    ...engineSurprises(all),
    said(() => {
      const penalty = main.alignmentPenalty('unmask', 'wasm', KIB);
      const ofWords = main.alignmentPenalty('unmask', 'js-words', KIB);
      return penalty > 1.2
        ? `Unmasking 1 KiB takes WASM with SIMD ${times(penalty)} as long at the worst alignment as at the best, and a plain loop over words ${times(ofWords)}.`
        : '';
    }),
    said(() => {
      const hot = unmask('wasm') / unmask('js');
      const cold = unmask('wasm', KIB, 'cold') / unmask('js', KIB, 'cold');
      return cold < hot * (1 - ALIKE)
        ? `WASM unmasks 1 KiB ${asFastAs(hot)} the JavaScript of this package in cache, but ${asFast(cold)} where the bytes come from memory.`
        : '';
    }),
    endToEndSurprise(study),
  ].filter((item) => item !== '');
  return found.length === 0 ? 'Nothing that these figures could show.' : list(found);
}

/** Where the fastest engine differs from the slowest by more than a quarter. */
function engineSurprises(all: readonly Engine[]): string[] {
  const kinds = [
    ['unmask', 'any', 'js', 'The JavaScript of this package unmasks the same'],
    ['unmask', 'any', 'js-byte', 'The naive loop over bytes unmasks the same'],
    ['validate', 'json', 'wasm', 'WASM validates the same JSON'],
    ['validate', 'json', 'TextDecoder', '`TextDecoder`, of which each engine has another one, decodes the same JSON'],
  ] as const;
  return kinds.map(([op, content, candidate, what]) => {
    const bytes = 64 * KIB;
    const spread = spreadOf(all, { op, content, candidate, bytes });
    return spread === undefined || spread.ratio <= 1.25
      ? ''
      : `${what} ${times(spread.ratio)} as fast on ${spread.fastest} as on ${spread.slowest} (${size(bytes)}).`;
  });
}

function endToEndSurprise({ endToEnd: results }: Study): string {
  const most = gainsOf(results, 'wasm').findLast(
    ({ result }) => result.content === 'binary' && result.bytes >= ALONE_BYTES,
  );
  if (most === undefined) return '';
  return `End to end, where unmasking is all that differs (binary messages from ${size(ALONE_BYTES)} on), the most that WASM gains over JavaScript is ${times(most.value)} (${caseName(most.result)}).`;
}
