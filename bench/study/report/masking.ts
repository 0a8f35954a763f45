import { figure } from '#dist/cli/table.js';
import type { Engine } from '../findings.js';
import type { Study } from '../results.js';
import { speeds } from './speeds-table.js';
import { asFastAs, KIB, MIB, paragraph, said, times } from './wording.js';

export function masking(study: Study, engine: Engine): string {
  const speed = (candidate: string, bytes: number) => engine.speed({ op: 'unmask', candidate, bytes });
  const ratio = (a: string, b: string, bytes: number) => speed(a, bytes) / speed(b, bytes);
  return [
    `### Masking (${engine.name})`,
    '![Throughput of unmasking by size](results/study-unmask.svg)',
    speeds(engine, 'unmask', 'any'),
    paragraph(
      said(
        () =>
          `At 1 KiB the loop over words is ${asFastAs(ratio('js', 'js-byte', KIB))} the loop over bytes: a comparison of WASM with the latter says little.`,
      ),
      said(() => `BigInt words are ${asFastAs(ratio('js-bigint', 'js', KIB))} 32-bit words there.`),
      said(() => `WASM in place is ${asFastAs(ratio('wasm', 'js', KIB))} the loop over 32-bit words.`),
      said(
        () =>
          `SIMD is worth ${times(ratio('wasm', 'wasm-scalar', KIB))} WASM without it at 1 KiB, and ${times(ratio('wasm', 'wasm-scalar', MIB))} at 1 MiB.`,
      ),
      said(
        () =>
          `bufferutil is ${asFastAs(ratio('bufferutil', 'wasm', 64))} WASM in place at 64 bytes, where the call is most of it, and ${asFastAs(ratio('bufferutil', 'wasm', 64 * KIB))} it at 64 KiB.`,
      ),
    ),
    paragraph(
      said(
        () =>
          `**Copies** are the main argument against WASM. At 64 KiB, with a copy in it is ${asFastAs(ratio('wasm, copy in', 'wasm', 64 * KIB))} without, with copies in and out ${asFastAs(ratio('wasm, copy in and out', 'wasm', 64 * KIB))} without; that is still ${asFastAs(ratio('wasm, copy in and out', 'js', 64 * KIB))} JavaScript over words, and ${asFastAs(ratio('wasm, copy in and out', 'bufferutil', 64 * KIB))} bufferutil, which works in place.`,
      ),
      said(
        () =>
          `At 64 bytes it is ${asFastAs(ratio('wasm, copy in and out', 'js', 64))} JavaScript: there the two calls that copy decide.`,
      ),
    ),
    study.isQuick ? '' : paragraph(said(() => largest(engine))),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function largest(engine: Engine): string {
  const speed = (bytes: number) => engine.speed({ op: 'unmask', candidate: 'wasm', bytes });
  return `At 16 MiB WASM in place reaches ${figure(speed(16 * MIB))} GB/s, against ${figure(speed(64 * KIB))} at 64 KiB: with data that comes from memory, the speed of the XOR matters less.`;
}
