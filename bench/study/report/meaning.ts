import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import { ALIKE, candidatesOn, type Engine, FASTEST_JS, FASTEST_JS_OF_VIEWS, size, Unreported } from '../findings.js';
import { list } from '../markdown.js';
import type { Study } from '../results.js';
import { ALONE_BYTES, gainsAlone } from '../servers.js';
import { javaScriptOf } from './javascript.js';
import { asFast, asFastAs, KIB, paragraph, said, times } from './wording.js';

export function meaning(study: Study, main: Engine, all: readonly Engine[]): string {
  const speed = (candidate: string) => main.speed({ op: 'unmask', candidate, bytes: KIB });
  const items = [
    paragraph(
      '**First write the JavaScript well.** Take words instead of bytes, several a turn, and a fast path for the common case. Words of 64 bits (BigInt) are fast on some engines and very slow on others, so try them on each. Compare with the fastest that you have.',
      said(
        () =>
          `On ${main.name} ${javaScriptOf(main, { op: 'unmask', bytes: KIB })} unmasks 1 KiB ${asFastAs(speed(FASTEST_JS) / speed('js-byte'))} the naive loop over bytes, and ${asFastAs(speed(FASTEST_JS) / speed('js-words'))} a plain loop over words.`,
      ),
    ),
    paragraph(
      ...inItsMemory(main),
      'Node can read sockets straight into it: a `net.Socket` with `onread` reads into any buffer, also into that of a `WebAssembly.Memory`.',
    ),
    paragraph(...utf8ByNode(main), '`TextDecoder` is for code that needs the string.'),
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

/** A crossover of the main engine; undefined if it is not known, or not steady. */
function crossoverOrNone(main: Engine, ...step: Parameters<Engine['steadyCrossover']>): number | undefined {
  try {
    return main.steadyCrossover(...step);
  } catch (error) {
    if (error instanceof Unreported) return undefined;
    throw error;
  }
}

/** Whether WASM pays without copies, and with them, and from which size on. */
function inItsMemory(main: Engine): string[] {
  const inPlace = crossoverOrNone(main, 'unmask', 'any', FASTEST_JS, 'wasm');
  const copying = crossoverOrNone(main, 'unmask', 'any', FASTEST_JS_OF_VIEWS, 'wasm, copy in and out');
  const rest =
    copying === undefined
      ? ''
      : copying === NEVER_BYTES
        ? 'With copies in and out there is no size from which on it does.'
        : `With copies in and out it does from ${size(copying)} on.`;
  if (inPlace === undefined) return ['**WASM wants the data in its memory.**'];
  if (inPlace === NEVER_BYTES)
    return ['**WASM did not pay here**, not even where the data is already in its memory: JavaScript is not slower.'];
  return [
    '**WASM pays where the data is already in its memory.**',
    `Against the fastest JavaScript it does from ${size(inPlace)} on.`,
    rest,
  ];
}

/** Whether native validation pays, for which texts, and from which size on. */
function utf8ByNode(main: Engine): string[] {
  const what = '`buffer.isUtf8` needs no build and no memory of its own.';
  const [json, ascii] = (['json', 'ascii'] as const).map((content) =>
    crossoverOrNone(main, 'validate', content, 'wasm', 'native'),
  );
  const known = [json, ascii].flatMap((bytes) => bytes ?? []);
  const called = 'Called as a server calls it, it';
  if (known.length === 0) return ['**For UTF-8, know what Node has.**', what];
  if (known.length === 2 && known.every((bytes) => bytes === NEVER_BYTES))
    return ['**For UTF-8, WASM was the better choice here.**', what, `${called} never overtakes WASM.`];
  const on = (name: string, bytes: number | undefined) => {
    if (bytes === undefined) return `on ${name} at a size that the spread of the figures leaves open`;
    return `on ${name} ${bytes === NEVER_BYTES ? 'at no size' : `from ${size(bytes)} on`}`;
  };
  return [
    known.includes(NEVER_BYTES) ? '**For UTF-8, it depends on the text.**' : '**For UTF-8, ask Node first.**',
    what,
    `${called} overtakes WASM ${on('JSON', json)}, and ${on('ASCII', ascii)}.`,
  ];
}

/** What says nothing of engines alone: other instructions, another module, or another way to copy on each. JavaScript counts at its best. */
const NOT_OF_ENGINES = /^(js|wasm, copy in|wasm, constant tables)/;

/** The candidate that differs most between engines. */
function engineSpread(all: readonly Engine[]): string {
  const bytes = 64 * KIB;
  const kinds = [
    ['unmask', 'any'],
    ['validate', 'json'],
  ] as const;
  const spreads = kinds.flatMap(([op, content]) =>
    [FASTEST_JS, ...candidatesOn(all, op)]
      .filter((candidate) => !NOT_OF_ENGINES.test(candidate) && (op !== 'validate' || candidate !== 'wasm'))
      .flatMap((candidate) => spreadOf(all, { op, content, candidate, bytes }) ?? []),
  );
  const [most] = spreads.toSorted((one, other) => other.ratio - one.ratio);
  if (most === undefined || most.ratio <= 1 + ALIKE) return '';
  const name = most.candidate === FASTEST_JS ? most.candidate : `\`${most.candidate}\``;
  return `At ${size(bytes)} ${name} differs most, of what is the same code on all of them or their own: ${most.fastest} is ${times(most.ratio)} as fast as ${most.slowest}.`;
}

export interface Spread {
  readonly candidate: string;
  readonly ratio: number;
  /** Names of engines, with that of the JavaScript if it is the fastest of each. */
  readonly fastest: string;
  readonly slowest: string;
}

/** The fastest engine of a case and the slowest, of those that are steady there. Undefined if there are fewer than two. */
export function spreadOf(all: readonly Engine[], wanted: Parameters<Engine['speed']>[0]): Spread | undefined {
  const speeds = all
    .flatMap((engine) => {
      const speed = speedOrNone(engine, wanted);
      if (speed === undefined) return [];
      const way = wanted.candidate === FASTEST_JS ? ` (\`${engine.fastestJs(wanted)}\`)` : '';
      return [{ name: `${engine.name}${way}`, speed }];
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
  const gains = gainsAlone(results, 'auto');
  if (gains.length === 0) return '';
  const worthwhile = gains.filter(({ value }) => value > 1.1).length;
  return `Here the whole server gained more than a tenth in ${worthwhile} of ${gains.length} kinds of load where unmasking is all that differs: binary messages from ${size(ALONE_BYTES)} on.`;
}
