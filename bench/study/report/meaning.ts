import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import {
  ALIKE,
  candidatesOn,
  type Engine,
  FASTEST_JS,
  FASTEST_JS_OF_VIEWS,
  isOfView,
  leadText,
  size,
  Unreported,
} from '../findings.js';
import { list } from '../markdown.js';
import type { Study } from '../results.js';
import { ALONE_BYTES } from '../servers.js';
import { javaScriptOf } from './javascript.js';
import { gainsInServer } from './summary.js';
import { asFast, asFastAs, KIB, paragraph, said, sentenceOf, times } from './wording.js';

export function meaning(study: Study, main: Engine, all: readonly Engine[]): string {
  const speed = (candidate: string) => main.speed({ op: 'unmask', candidate, bytes: KIB });
  const items = [
    paragraph(
      '**First write the JavaScript well.** Take words instead of bytes, several a turn, and a fast path for the common case. Words of 64 bits (BigInt) are fast on some engines and very slow on others, so try them on each. Compare with the fastest that you have. The loops are in [js-loops.ts](study/js-loops.ts) and [view-loops.ts](study/view-loops.ts).',
      sentenceOf(`On ${main.name} ${said(() => javaScriptOf(main, { op: 'unmask', bytes: KIB }))} unmasks 1 KiB`, [
        () => `${asFastAs(speed(FASTEST_JS) / speed('js-byte'))} the naive loop over bytes`,
        () => `${asFastAs(speed(FASTEST_JS) / speed('js-words'))} a plain loop over words`,
      ]),
      ...slowBigInt(all),
    ),
    said(() => nodeFirst(main)),
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
      const then = said(() => {
        const ns = (candidate: string) => main.ns({ op: 'unmaskText', content: 'json', candidate, bytes: KIB });
        return ` WASM and then \`isUtf8\` is ${asFastAs(ns('wasm, fused') / ns('wasm + isUtf8'))} one pass of WASM on JSON.`;
      });
      return `**Fuse passes only after measuring.** One pass of WASM over 1 KiB is ${asFastAs(gain('ascii'))} two on ASCII, and ${asFast(gain('json'))} on JSON.${then}`;
    }),
    paragraph(
      '**Measure the whole:** a message also costs a system call for the read, one for the write, and the copies that the operating system makes.',
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
  const copying = 'wasm, copy in and out';
  const lead = main.lead('unmask', 'any', FASTEST_JS_OF_VIEWS, copying);
  const rest = main.candidates('unmask').includes(copying)
    ? lead === undefined
      ? 'With copies in and out there is no size at which it surely does.'
      : `With copies in and out it does ${leadText(lead)}.${lead.isOpen ? '' : ' Outside of that range it is no faster, or it is slower.'}`
    : '';
  if (inPlace === undefined) return ['**WASM wants the data in its memory.**'];
  if (inPlace === NEVER_BYTES)
    return ['**WASM did not pay here**, not even where the data is already in its memory: JavaScript is not slower.'];
  return [
    '**WASM pays where the data is already in its memory.**',
    `Against the fastest JavaScript it does from ${size(inPlace)} on${isSmallest(main, inPlace) ? ', the smallest size measured' : ''}.`,
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
  if (known.length === 0) return ['**For UTF-8, know what Node has.**', what, ofBuffers(main)];
  if (known.length === 2 && known.every((bytes) => bytes === NEVER_BYTES))
    return ['**For UTF-8, WASM was the better choice here.**', what, `${called} never overtakes WASM.`];
  const on = (name: string, bytes: number | undefined) => {
    if (bytes === undefined) return `on ${name} at a size that the spread of the figures leaves open`;
    return `on ${name} ${bytes === NEVER_BYTES ? 'at no size' : `from ${size(bytes)} on`}`;
  };
  return [
    known.includes(NEVER_BYTES) ? '**For UTF-8, it depends on the text.**' : '**For UTF-8, ask Node first.**',
    what,
    ofBuffers(main),
    `${called} overtakes WASM ${on('JSON', json)}, and ${on('ASCII', ascii)}.`,
  ];
}

/** Where `isUtf8` of a view that exists is ahead of WASM that has its bytes in place. */
function ofBuffers(main: Engine): string {
  if (!main.candidates('validate').includes('isUtf8')) return '';
  const lead = (content: 'json' | 'ascii') => leadText(main.lead('validate', content, 'wasm', 'isUtf8'));
  const copying = main.candidates('validate').includes('wasm, copy in')
    ? ''
    : ' A copy in before validation was not measured: WASM would take longer by that.';
  return `With a Buffer in hand it is ahead of WASM, which has its bytes in place, on JSON ${lead('json')}, and on ASCII ${lead('ascii')}.${copying} Where each call makes a view of WebAssembly memory, that takes time, too.`;
}

/** What Node has itself for bytes in a Buffer. */
function nodeFirst(main: Engine): string {
  if (!main.candidates('unmask').includes('websocketUnmask') || !main.candidates('unmask').some(isOfView)) return '';
  const lead = main.lead('unmask', 'any', FASTEST_JS_OF_VIEWS, 'websocketUnmask');
  if (lead === undefined) return '';
  const ns = (candidate: string) => main.ns({ op: 'unmask', bytes: KIB, candidate });
  return paragraph(
    `**For a Buffer, ask Node first.** \`http.websocketUnmask\`, which Node has from 26.12 on, needs no copy and no build. On ${main.name} it is ahead of the fastest JavaScript of a view ${leadText(lead)}.`,
    sentenceOf('At 1 KiB it is', [
      () => `${asFastAs(ns(FASTEST_JS_OF_VIEWS) / ns('websocketUnmask'))} that JavaScript`,
      () => `${asFastAs(ns('wasm, copy in and out') / ns('websocketUnmask'))} WASM with both copies`,
    ]),
    'For shorter ranges take a loop over bytes.',
  );
}

/** Where words of 64 bits are slow, by how much. */
function slowBigInt(all: readonly Engine[]): string[] {
  return all.map((engine) =>
    said(() => {
      const ns = (candidate: string) => engine.ns({ op: 'unmask', bytes: KIB, candidate });
      const ratio = ns('js') / ns(FASTEST_JS);
      return ratio < 2
        ? ''
        : `On ${engine.name} \`js\`, which has words of 64 bits, takes ${times(ratio)} as long as \`${engine.fastestJs({ op: 'unmask', bytes: KIB })}\`.`;
    }),
  );
}

function isSmallest(main: Engine, bytes: number): boolean {
  return main.values('bytes', { op: 'unmask', content: 'any', pattern: 'hot' })[0] === bytes;
}

/** What says nothing of engines alone: other instructions, another module, or another way to copy on each. JavaScript counts at its best. */
const NOT_OF_ENGINES = /^(js|wasm, copy in|wasm, constant tables)/;

/** The candidate that differs most between engines. */
function engineSpread(all: readonly Engine[]): string {
  const bytes = 64 * KIB;
  const kinds = [
    ['unmask', 'any'],
    ['validate', 'ascii'],
    ['validate', 'json'],
  ] as const;
  const spreads = kinds.flatMap(([op, content]) =>
    [FASTEST_JS, ...candidatesOn(all, op)]
      .filter((candidate) => !NOT_OF_ENGINES.test(candidate) && (op !== 'validate' || candidate !== 'wasm'))
      .flatMap((candidate) => {
        const spread = spreadOf(all, { op, content, candidate, bytes });
        return spread === undefined ? [] : [{ ...spread, content }];
      }),
  );
  const [most] = spreads.toSorted((one, other) => other.ratio - one.ratio);
  if (most === undefined || most.ratio <= 1 + ALIKE) return '';
  const name = most.candidate === FASTEST_JS ? most.candidate : `\`${most.candidate}\``;
  const what = most.content === 'any' ? 'unmasking' : CONTENTS[most.content];
  return paragraph(
    `They differ most where they have code of their own, or compile JavaScript. At ${size(bytes)}, of ${what}, ${name} differs most: it is ${times(most.ratio)} as fast on ${most.fastest} as on ${most.slowest}.`,
    'The JavaScript that is written for one of them may be much slower on another.',
  );
}

const CONTENTS = { ascii: 'validating ASCII', json: 'validating JSON' } as const;

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
  const gains = gainsInServer(results);
  return gains === ''
    ? ''
    : `Here the whole server gained, from \`js\` to \`auto\` with messages from ${size(ALONE_BYTES)} on, ${gains}.`;
}
