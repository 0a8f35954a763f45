import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import { type Engine, size } from '../findings.js';
import { list } from '../markdown.js';
import type { Study } from '../results.js';
import { gainsOf } from '../servers.js';
import { KIB, times } from './wording.js';

export function meaning(study: Study, main: Engine, all: readonly Engine[]): string {
  const toWasm = main.crossover('unmask', 'any', 'js', 'wasm');
  const toCopies = main.crossover('unmask', 'any', 'js', 'wasm, copy in and out');
  const toNative = main.crossover('validate', 'json', 'wasm', 'native');
  const items = [
    '**First write the JavaScript well.** Use words instead of bytes, and a fast path for the common case. Compare with that, not with the byte loop.',
    toWasm === undefined
      ? ''
      : `**WASM pays where the data is already in its memory.** Here it does from ${size(toWasm)} on${toCopies === undefined ? '' : `; with copies in and out from ${toCopies === NEVER_BYTES ? 'no size on' : `${size(toCopies)} on`}`}. In Node that is possible: a \`net.Socket\` with \`onread\` reads into any buffer, also into that of a \`WebAssembly.Memory\`.`,
    `**For UTF-8, ask Node first.** \`buffer.isUtf8\` needs no build, no memory of its own, and is ${toNative === undefined ? 'a measure for everything else' : toNative === NEVER_BYTES ? 'here nevertheless behind WASM at every size' : `ahead of WASM here from ${size(toNative)} of JSON on`}. \`TextDecoder\` is for code that needs the string.`,
    '**Fuse passes** only after measuring: with SIMD, a second pass over bytes in the nearest cache is cheap.',
    '**Measure the whole.** A faster loop gains little if it is a small part of the time for a message: a system call for the read, one for the write, and the copies of the kernel come on top.',
    study.endToEnd.length === 0 ? '' : wholeSentence(study),
    `**Measure on the engine that you run.** ${engineSpread(all)}`.trimEnd(),
  ];
  return list(items.filter((item) => item !== ''));
}

/** The candidate that differs most between engines, though its code is the same. */
function engineSpread(all: readonly Engine[]): string {
  const [first] = all;
  if (first === undefined || all.length < 2) return '';
  const kinds = [
    ['unmask', 'any'],
    ['validate', 'json'],
  ] as const;
  const spreads = kinds.flatMap(([op, content]) =>
    first.candidates(op).map((candidate) => {
      const speeds = all
        .map((engine) => engine.speedOrNone({ op, content, candidate, bytes: KIB }))
        .filter((speed) => Number.isFinite(speed));
      return { candidate, ratio: Math.max(...speeds) / Math.min(...speeds) };
    }),
  );
  const most = spreads.filter(({ ratio }) => Number.isFinite(ratio)).sort((a, b) => b.ratio - a.ratio)[0];
  return most === undefined
    ? ''
    : `At 1 KiB \`${most.candidate}\` differs most between these engines: the fastest is ${times(most.ratio)} as fast as the slowest.`;
}

function wholeSentence({ endToEnd: results }: Study): string {
  const gains = gainsOf(results, 'auto');
  if (gains.length === 0) return '';
  const worthwhile = gains.filter(({ value }) => value > 1.1).length;
  return `**Here the whole server gained** more than a tenth in ${worthwhile} of ${gains.length} kinds of load.`;
}
