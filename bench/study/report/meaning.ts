import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import {
  ALIKE,
  candidatesOn,
  type Engine,
  FASTEST_JS,
  FASTEST_JS_MAKING_VIEWS,
  FASTEST_JS_OF_BUFFERS,
  FASTEST_JS_OF_VIEWS,
  isOfView,
  size,
  Unreported,
} from '../findings.js';
import { enumeration, list } from '../markdown.js';
import type { Study } from '../results.js';
import { ALONE_BYTES } from '../servers.js';
import { javaScriptOf, naiveNote, naiveNs } from './javascript.js';
import { latencyInShort } from './latency.js';
import { startInShort } from './start.js';
import { gainsInServer, notInGains } from './gains.js';
import { leadText, undecidedText } from './lead-text.js';
import { hasClosures } from './summary.js';
import { asFast, asFastAs, KIB, paragraph, said, sentenceOf, times } from './wording.js';

export function meaning(study: Study, main: Engine, all: readonly Engine[]): string {
  const speed = (candidate: string) => main.speed({ op: 'unmask', candidate, bytes: KIB });
  const items = [
    paragraph(
      '**First write the JavaScript well.** Take words instead of bytes, several a turn, and a fast path for the common case. Words of 64 bits (BigInt) are fast on some engines and very slow on others, so try them on each. Compare with the fastest that you have. The loops are in [js-loops.ts](study/js-loops.ts) and [view-loops.ts](study/view-loops.ts).',
      sentenceOf(`On ${main.name} ${said(() => javaScriptOf(main, { op: 'unmask', bytes: KIB }))} unmasks 1 KiB`, [
        () => `${asFastAs((speed(FASTEST_JS) / KIB) * naiveNs(main, KIB))} the naive loop over bytes${naiveNote(main)}`,
        () => `${asFastAs(speed(FASTEST_JS) / speed('js-words'))} a plain loop over words`,
      ]),
      ...slowBigInt(all),
    ),
    said(() => nodeFirst(main)),
    paragraph(
      ...inItsMemory(main),
      'Node can read sockets straight into WebAssembly memory: a `net.Socket` with `onread` reads into any buffer, also into that of a `WebAssembly.Memory`.',
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
    paragraph(
      '**Look at how it is called.** Most figures are of warm code, and of calls that may overlap.',
      latencyInShort(main),
      startInShort(main),
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
  const ns = (candidate: string) => main.ns({ op: 'unmask', bytes: KIB, candidate });
  const rest = main.candidates('unmask').includes(copying)
    ? paragraph(
        lead.ahead.length === 0
          ? `With copies in and out there is no size at which it surely does${undecidedText(lead)}.`
          : `With copies in and out it does ${leadText(lead)}.`,
        lead.ahead.some(({ isOpen }) => isOpen) ? '' : 'At all other sizes it is no faster, or it is slower.',
        hasClosures(main)
          ? sentenceOf('That is against JavaScript with one buffer for all reads. At 1 KiB WASM with copies is', [
              () =>
                `${asFastAs(ns(FASTEST_JS_OF_BUFFERS) / ns(copying))} JavaScript of any Buffer that keeps or makes its views`,
              () => `${asFastAs(ns(FASTEST_JS_MAKING_VIEWS) / ns(copying))} that which makes a view in each call`,
            ])
          : '',
      )
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
  const lead = (content: 'json' | 'ascii', than = 'wasm') => leadText(main.lead('validate', content, than, 'isUtf8'));
  const copying = main.candidates('validate').includes('wasm, copy in')
    ? ''
    : ' A copy in before validation was not measured: WASM would take longer by that.';
  const copied = main.candidates('validate').includes('wasm, copy in')
    ? ` It is ahead of WASM with a copy in on JSON ${lead('json', 'wasm, copy in')}, and on ASCII ${lead('ascii', 'wasm, copy in')}.`
    : '';
  return `With a Buffer in hand it is ahead of WASM, which has its bytes in place, on JSON ${lead('json')}, and on ASCII ${lead('ascii')}.${copied}${copying} Where each call makes a view of WebAssembly memory, that takes time, too.`;
}

/** What Node has itself for bytes in a Buffer. */
function nodeFirst(main: Engine): string {
  if (!main.candidates('unmask').includes('websocketUnmask') || !main.candidates('unmask').some(isOfView)) return '';
  const lead = main.lead('unmask', 'any', FASTEST_JS_OF_VIEWS, 'websocketUnmask');
  const [first] = lead.ahead;
  if (first === undefined) return '';
  const ns = (candidate: string) => main.ns({ op: 'unmask', bytes: KIB, candidate });
  return paragraph(
    `**For a Buffer, ask Node first.** \`http.websocketUnmask\`, which Node has from 26.12 on, needs no copy and no build. On ${main.name} it is ahead of the fastest JavaScript of a view ${leadText(lead)}.`,
    sentenceOf('At 1 KiB it is', [
      () => `${asFastAs(ns(FASTEST_JS_OF_VIEWS) / ns('websocketUnmask'))} that JavaScript`,
      () => `${asFastAs(ns('wasm, copy in and out') / ns('websocketUnmask'))} WASM with both copies`,
    ]),
    fastestBelow(main, first.first),
  );
}

/** What is the fastest for bytes in a Buffer at sizes below this one, of all that was measured: a list of sizes. */
function fastestBelow(main: Engine, bytes: number): string {
  const sizes = main.values('bytes', { op: 'unmask', content: 'any', pattern: 'hot' }).filter((one) => one < bytes);
  const withBuffer = [FASTEST_JS_OF_VIEWS, 'websocketUnmask', 'bufferutil', 'wasm, copy in and out'];
  const ofAny = [FASTEST_JS_OF_BUFFERS, ...withBuffer.slice(1)];
  const all = fastestText(main, sizes, withBuffer);
  if (all === '') return '';
  const any = fastestText(main, sizes, ofAny);
  return paragraph(
    `For shorter ranges the fastest is ${all}.`,
    any === all || any === '' ? '' : `Of what takes any Buffer, it is ${any}.`,
  );
}

/** Neighbouring sizes with the same fastest candidate stand together. A candidate goes on while it is about as fast as the fastest. */
function fastestText(main: Engine, sizes: readonly number[], candidates: readonly string[]): string {
  const runs: { readonly name: string; readonly first: number; last: number; marks: string }[] = [];
  for (const bytes of sizes) {
    const found = candidates.flatMap((candidate) => main.find({ op: 'unmask', bytes, candidate }) ?? []);
    const least = Math.min(...found.map(({ ns }) => ns));
    const simple = main.find({ op: 'unmask', bytes, candidate: 'js-byte, of a view' });
    const alike = (simple === undefined ? found : [simple, ...found]).filter(({ ns }) => ns <= least * (1 + ALIKE));
    const run = runs.at(-1);
    const name = alike.find(({ candidate }) => candidate === run?.name)?.candidate ?? alike[0]?.candidate;
    if (name === undefined) continue;
    const marks = main.nsCell({ op: 'unmask', bytes, candidate: name }).replace(/[\d. ]/g, '');
    if (run !== undefined && run.name === name) {
      run.last = bytes;
      run.marks ||= marks;
    } else runs.push({ name, first: bytes, last: bytes, marks });
  }
  return enumeration(
    runs.map(
      ({ name, first, last, marks }) =>
        `\`${name}\`${marks} ${first === last ? `at ${size(first)}` : `from ${size(first)} to ${size(last)}`}`,
    ),
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
    : paragraph(
        `Here the whole server gained, from \`js\` to \`auto\` with messages from ${size(ALONE_BYTES)} on, ${gains}.`,
        notInGains(results),
      );
}
