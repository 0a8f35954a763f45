import { figure } from '#dist/cli/table.js';
import { ALIKE, type Engine, FASTEST_JS, size } from '../findings.js';
import { enumeration, list } from '../markdown.js';
import type { Study } from '../results.js';
import { ALONE_BYTES, gainsAlone, leftOut } from '../servers.js';
import { compilerOf, javaScriptOf, naiveNs } from './javascript.js';
import { caseName } from './load-name.js';
import { spreadOf } from './meaning.js';
import { asFast, asFastAs, KIB, said, times } from './wording.js';

export function surprises(study: Study, main: Engine, all: readonly Engine[]): string {
  const unmask = (candidate: string, bytes = KIB, pattern: 'hot' | 'cold' = 'hot') =>
    main.speed({ op: 'unmask', candidate, bytes, pattern });
  const found = [
    said(() => {
      const [written, wasm] = [(unmask(FASTEST_JS) / KIB) * naiveNs(main, KIB), unmask('wasm') / unmask(FASTEST_JS)];
      return written > wasm
        ? `To write the JavaScript well brings more than to go on to WebAssembly: on ${main.name} unmasking 1 KiB gets ${times(written)} as fast from the naive loop (the faster one of two) to ${javaScriptOf(main, { op: 'unmask', bytes: KIB })}, and ${times(wasm)} from there to WASM with SIMD.`
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
        ? `BigInt is known to be slow, but not in ${compilerOf(main)}: on ${main.name} a loop over words of 64 bits in a \`BigInt64Array\` is ${times(ratio)} as fast as the same loop over words of 32 bits (1 KiB).`
        : '';
    }),
    ...all.map(slowOwnJavaScript),
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
      const hot = unmask('wasm') / unmask(FASTEST_JS);
      const cold = unmask('wasm', KIB, 'cold') / unmask(FASTEST_JS, KIB, 'cold');
      return cold < hot * (1 - ALIKE)
        ? `WASM unmasks 1 KiB ${asFastAs(hot)} the fastest JavaScript in cache, but ${asFast(cold)} where the bytes come from memory.`
        : '';
    }),
    endToEndSurprise(study),
  ].filter((item) => item !== '');
  return found.length === 0 ? 'Nothing that these figures could show.' : list(found);
}

/** How many times as long `js` takes as the fastest JavaScript of an engine, at least, to be called slow there. */
const SLOW = 2;

/** On which engine the JavaScript of this package is slow, by how much, and why, if that was measured. */
function slowOwnJavaScript(engine: Engine): string {
  const at = (bytes: number) =>
    said(() => {
      const ns = (candidate: string) => engine.ns({ op: 'unmask', bytes, candidate });
      const [own, fastest] = [ns('js'), ns(FASTEST_JS)];
      if (own < fastest * SLOW) return '';
      const why = said(() => {
        const ratio = ns('js-bigint') / ns('js-words');
        return ratio < SLOW
          ? ''
          : `. Its words of 64 bits (BigInt) are slow there: a plain loop over them takes ${times(ratio)} as long as the same loop over words of 32 bits`;
      });
      return `\`js\`, the JavaScript of this package, is written for V8. In ${compilerOf(engine)} (${engine.name}) it takes ${times(own / fastest)} as long to unmask ${size(bytes)} as \`${engine.fastestJs({ op: 'unmask', bytes })}\`${why}.`;
    });
  // Browsers measure all ways only at the larger size.
  return at(KIB) || at(64 * KIB);
}

/** Where the fastest engine differs from the slowest by more than a quarter. */
function engineSurprises(all: readonly Engine[]): string[] {
  const kinds = [
    ['unmask', 'any', FASTEST_JS, 'The fastest JavaScript unmasks the same'],
    ['unmask', 'any', 'js-byte', 'The naive loop over bytes unmasks the same'],
    ['validate', 'json', 'wasm, not relaxed', 'The same module, without relaxed SIMD, validates the same JSON'],
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
  const ofKernel = (kernel: string) => gainsAlone(results, kernel).toSorted((one, other) => other.value - one.value)[0];
  const [wasm, auto] = [ofKernel('wasm'), ofKernel('auto')];
  if (wasm === undefined) return '';
  const ofAuto =
    auto === undefined
      ? ''
      : `, and with the kernel \`auto\`, which runs the same code for these, ${times(auto.value)} (${caseName(auto.result)})`;
  const unsteady = ['wasm', 'auto'].flatMap((kernel) =>
    leftOut(results, kernel)
      .filter(({ result }) => result.content === 'binary')
      .map(({ result, value, marks }) => `${figure(value)}${marks} with \`${kernel}\` at ${size(result.bytes)}`),
  );
  const rest = unsteady.length === 0 ? '' : ` Not steady, or disturbed: ${enumeration(unsteady)}.`;
  return `End to end, where unmasking is all that differs (binary messages from ${size(ALONE_BYTES)} on), the most that WASM gains over JavaScript, of the steady figures, is ${times(wasm.value)} with the kernel \`wasm\` (${caseName(wasm.result)})${ofAuto}.${rest}`;
}
