import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import { candidatesOn, type Engine, size, Unreported } from '../findings.js';
import { list } from '../markdown.js';
import type { Study } from '../results.js';
import { gainsOf } from '../servers.js';
import { ALIKE, asFast, asFastAs, KIB, paragraph, said, times } from './wording.js';

export function meaning(study: Study, main: Engine, all: readonly Engine[]): string {
  const speed = (candidate: string) => main.speed({ op: 'unmask', candidate, bytes: KIB });
  const items = [
    paragraph(
      '**First write the JavaScript well.** Take words instead of bytes, wide ones, several a turn, and a fast path for the common case. Compare with that.',
      said(
        () =>
          `The JavaScript of this package unmasks 1 KiB ${asFastAs(speed('js') / speed('js-byte'))} the naive loop over bytes, and ${asFastAs(speed('js') / speed('js-words'))} a plain loop over words.`,
      ),
    ),
    paragraph(
      '**WASM pays where the data is already in its memory.**',
      said(() => {
        const bytes = main.steadyCrossover('unmask', 'any', 'js', 'wasm');
        return `Against the JavaScript of this package it does ${from(bytes)}.`;
      }),
      said(() => {
        const bytes = main.steadyCrossover('unmask', 'any', 'js', 'wasm, copy in and out');
        return bytes === NEVER_BYTES
          ? 'With copies in and out there is no size from which on it does.'
          : `With copies in and out it does ${from(bytes)}.`;
      }),
      'Node can read sockets straight into it: a `net.Socket` with `onread` reads into any buffer, also into that of a `WebAssembly.Memory`.',
    ),
    paragraph(
      '**For UTF-8, ask Node first.** `buffer.isUtf8` needs no build and no memory of its own.',
      said(() => {
        const [ascii, json] = (['ascii', 'json'] as const).map((content) =>
          main.steadyCrossover('validate', content, 'wasm', 'native'),
        ) as [number, number];
        return `Called as a server calls it, it overtakes WASM on JSON ${from(json)}, and on ASCII ${from(ascii)}.`;
      }),
      '`TextDecoder` is for code that needs the string.',
    ),
    said(() => {
      const gain = (content: 'ascii' | 'json') => {
        const ns = (candidate: string) => main.ns({ op: 'unmaskText', content, candidate, bytes: KIB });
        return ns('wasm + wasm') / ns('wasm, fused');
      };
      return `**Fuse passes only after measuring.** One pass of WASM over 1 KiB is ${asFastAs(gain('ascii'))} two on ASCII, and ${asFast(gain('json'))} on JSON.`;
    }),
    paragraph(
      '**Measure the whole:** a message also costs a system call for the read, one for the write, and the copies of the kernel.',
      wholeSentence(study),
    ),
    paragraph('**Measure on the engine that you run.**', engineSpread(all)),
  ];
  return list(items.filter((item) => item !== ''));
}

/** `from 1 KiB on`, or `never`. */
function from(bytes: number): string {
  return bytes === NEVER_BYTES ? 'never' : `from ${size(bytes)} on`;
}

/** The candidate that differs most between engines. */
function engineSpread(all: readonly Engine[]): string {
  const kinds = [
    ['unmask', 'any'],
    ['validate', 'json'],
  ] as const;
  const spreads = kinds.flatMap(([op, content]) =>
    candidatesOn(all, op).flatMap((candidate) => spreadOf(all, { op, content, candidate, bytes: KIB }) ?? []),
  );
  const [most] = spreads.toSorted((one, other) => other.ratio - one.ratio);
  if (most === undefined || most.ratio <= 1 + ALIKE) return '';
  return `At 1 KiB \`${most.candidate}\` differs most: ${most.fastest} is ${times(most.ratio)} as fast as ${most.slowest}.`;
}

export interface Spread {
  readonly candidate: string;
  readonly ratio: number;
  /** Names of engines. */
  readonly fastest: string;
  readonly slowest: string;
}

/** The fastest engine of a case and the slowest, of those that are steady there. Undefined if there are fewer than two. */
export function spreadOf(all: readonly Engine[], wanted: Parameters<Engine['speed']>[0]): Spread | undefined {
  const speeds = all
    .flatMap((engine) => {
      const speed = speedOrNone(engine, wanted);
      return speed === undefined ? [] : [{ name: engine.name, speed }];
    })
    .toSorted((one, other) => one.speed - other.speed);
  const [slowest, fastest] = [speeds[0], speeds.at(-1)];
  if (slowest === undefined || fastest === undefined || slowest === fastest) return undefined;
  return {
    candidate: wanted.candidate,
    ratio: fastest.speed / slowest.speed,
    fastest: fastest.name,
    slowest: slowest.name,
  };
}

function speedOrNone(engine: Engine, wanted: Parameters<Engine['speed']>[0]): number | undefined {
  try {
    return engine.speed(wanted);
  } catch (error) {
    if (error instanceof Unreported) return undefined;
    throw error;
  }
}

function wholeSentence({ endToEnd: results }: Study): string {
  const gains = gainsOf(results, 'auto');
  if (gains.length === 0) return '';
  const worthwhile = gains.filter(({ value }) => value > 1.1).length;
  return `Here the whole server gained more than a tenth in ${worthwhile} of ${gains.length} kinds of load.`;
}
