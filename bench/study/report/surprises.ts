import { type Engine, size } from '../findings.js';
import { list } from '../markdown.js';
import type { Study } from '../results.js';
import { gainsOf } from '../servers.js';
import { caseName } from './load-name.js';
import { ALIKE, asFastAs, KIB, said, times } from './wording.js';

export function surprises(study: Study, main: Engine, all: readonly Engine[]): string {
  const found = [
    said(() => {
      const penalty =
        main.ns({ op: 'validate', content: 'invalid at the start', bytes: KIB, candidate: 'TextDecoder' }) /
        main.ns({ op: 'validate', content: 'json', bytes: KIB, candidate: 'TextDecoder' });
      return penalty > 1 + ALIKE
        ? `\`TextDecoder\` takes ${times(penalty)} as long to refuse 1 KiB whose first byte is wrong as to accept 1 KiB: the exception takes longer than the text. Input from attackers should not be the slowest case.`
        : '';
    }),
    said(() => {
      const ratio =
        main.speed({ op: 'unmask', candidate: 'js-bigint', bytes: KIB }) /
        main.speed({ op: 'unmask', candidate: 'js', bytes: KIB });
      return ratio > 1 + ALIKE
        ? `BigInt has a bad name, but a loop over 64-bit words in a \`BigInt64Array\` is compiled to machine words: ${times(ratio)} as fast as 32-bit words at 1 KiB.`
        : '';
    }),
    said(() => {
      const ratio =
        main.speed({ op: 'unmask', candidate: 'wasm, copy in and out', bytes: 64 * KIB }) /
        main.speed({ op: 'unmask', candidate: 'bufferutil', bytes: 64 * KIB });
      return ratio > 0.8
        ? `Even with copies in and out, WASM is ${asFastAs(ratio)} bufferutil at 64 KiB.`
        : `Copies in and out bring WASM to ${times(ratio)} the speed of bufferutil at 64 KiB: it is of no use to code that cannot read into WASM memory.`;
    }),
    ...engineSurprises(all),
    said(() => {
      const penalty = main.alignmentPenalty('unmask', 'wasm', KIB);
      const ofWords = main.alignmentPenalty('unmask', 'js', KIB);
      return penalty > 1.2
        ? `Alignment costs vectors more than words: unmasking 1 KiB takes WASM with SIMD ${times(penalty)} as long at the worst place as at the best, JavaScript over words ${times(ofWords)}.`
        : '';
    }),
    said(() => {
      const hot =
        main.speed({ op: 'unmask', candidate: 'wasm', bytes: KIB }) /
        main.speed({ op: 'unmask', candidate: 'js', bytes: KIB });
      const inMemory = { op: 'unmask', bytes: KIB, pattern: 'cold' } as const;
      const coldRatio = main.speed({ ...inMemory, candidate: 'wasm' }) / main.speed({ ...inMemory, candidate: 'js' });
      return coldRatio < hot * (1 - ALIKE)
        ? `An advantage of ${times(hot)} in cache (WASM over JavaScript words, 1 KiB) is one of ${times(coldRatio)} where the bytes come from memory.`
        : '';
    }),
    study.endToEnd.length === 0 ? '' : endToEndSurprise(study),
  ].filter((item) => item !== '');
  return list(found);
}

/** Where the newest engine differs from the oldest by more than a quarter. */
function engineSurprises(all: readonly Engine[]): string[] {
  const [oldest, newest] = [all[0], all.at(-1)];
  if (oldest === undefined || newest === undefined || oldest === newest) return [];
  const kinds = [
    ['unmask', 'any', 'js', 'The loop over words'],
    ['unmask', 'any', 'js-byte', 'The loop over bytes'],
    ['validate', 'json', 'wasm', 'The WASM validator, on JSON,'],
    ['validate', 'json', 'TextDecoder', '`TextDecoder`, on JSON,'],
  ] as const;
  return kinds.map(([op, content, candidate, name]) =>
    said(() => {
      const wanted = { op, content, candidate, bytes: 64 * KIB };
      const ratio = newest.speed(wanted) / oldest.speed(wanted);
      return ratio < 0.8 || ratio > 1.25
        ? `${name} is on ${newest.name} ${asFastAs(ratio)} on ${oldest.name}, the same code at ${size(wanted.bytes)}.`
        : '';
    }),
  );
}

function endToEndSurprise({ endToEnd: results }: Study): string {
  const most = gainsOf(results, 'wasm').findLast(({ result }) => result.content === 'binary');
  if (most === undefined) return '';
  return `End to end, where an XOR is all that differs (binary messages), the most that WASM gains over JavaScript is ${times(most.value)} (${caseName(most.result)}).`;
}
