import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import { gain } from '../charts.js';
import { type Engine, size } from '../findings.js';
import { list } from '../markdown.js';
import type { Study } from '../results.js';
import { KIB, times } from './wording.js';

export function meaning(study: Study, main: Engine, all: readonly Engine[]): string {
  const toWasm = main.crossover('unmask', 'any', 'js', 'wasm');
  const toCopies = main.crossover('unmask', 'any', 'js', 'wasm, copy in and out');
  const toNative = main.crossover('validate', 'json', 'wasm', 'native');
  const items = [
    '**First write the JavaScript well.** Words instead of bytes, a fast path for what is common. Compare with that, not with the byte loop.',
    toWasm === undefined
      ? ''
      : `**WASM pays where the data is already in its memory.** Here it does from ${size(toWasm)} on${toCopies === undefined ? '' : `; with copies in and out from ${toCopies === NEVER_BYTES ? 'no size on' : `${size(toCopies)} on`}`}. In Node that is possible: a \`net.Socket\` with \`onread\` reads into any buffer, that of a \`WebAssembly.Memory\` included.`,
    `**For UTF-8, ask Node first.** \`buffer.isUtf8\` needs no build, no memory of its own, and is ${toNative === undefined ? 'a measure for everything else' : toNative === NEVER_BYTES ? 'here nevertheless behind WASM at every size' : `ahead of WASM here from ${size(toNative)} of JSON on`}. \`TextDecoder\` is for those who want the string.`,
    '**Fuse passes** only after measuring: with SIMD, a second pass over what is in the nearest cache is cheap.',
    '**Measure the whole.** What one loop gains is divided by all that a message costs beside it: a system call for a read, one for a write, and the copies of the kernel.',
    study.endToEnd.length === 0 ? '' : wholeSentence(study),
    `**Measure on the engine that you run.** ${engineSpread(all)}`.trimEnd(),
  ];
  return list(items.filter((item) => item !== ''));
}

/** What differs most between engines, of code that is the same. */
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
    : `At 1 KiB \`${most.candidate}\` differs most between those here: ${times(most.ratio)}, from the slowest engine to the fastest.`;
}

function wholeSentence({ endToEnd: results }: Study): string {
  const auto = results.filter(({ kernel, isDisturbed }) => kernel === 'auto' && !isDisturbed);
  const gains = auto.map((result) => gain(results, result)).filter(Number.isFinite);
  if (gains.length === 0) return '';
  const worthwhile = gains.filter((value) => value > 1.1).length;
  return `**Here the whole gained** more than a tenth in ${worthwhile} of ${gains.length} kinds of load that a kernel was tried on.`;
}
