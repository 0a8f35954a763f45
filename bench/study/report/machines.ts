/** What machines have in common, and where they differ. */
import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import { processorText } from '../../machine.js';
import { ALIKE, type Engine, enginesOf, FASTEST_JS, FASTEST_JS_OF_VIEWS, Unreported } from '../findings.js';
import { changedSince } from '../fingerprints.js';
import { enumeration, list, markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { copiesInShort } from './cautions.js';
import { KIB, percent } from './wording.js';

/** An engine on a machine; machines are numbered from 1, in the order of their files. */
interface Place {
  readonly machine: number;
  readonly engine: Engine;
}

/** What may be true of an engine. @throws Unreported if its figures do not say it */
interface Claim {
  readonly text: string;
  holds(engine: Engine): boolean;
}

/** @param studies the study that the report is about, and those of other machines */
export function machines(studies: readonly Study[]): string {
  const title = '## What holds on all machines';
  const howTo =
    '[machines.md](machines.md) says how to add another: `npm run study -- --contribute` measures it, and writes the file to send.';
  if (studies.length < 2)
    return `${title}

There is only one machine so far, so nothing here is known to hold on others. ${howTo}`;
  const places = studies.flatMap((study, i) =>
    enginesOf(study, studies).all.map((engine) => ({ machine: i + 1, engine })),
  );
  return `${title}

${studies.length} machines with ${places.length} engines. ${howTo}

${list(studies.map((study, i) => machineItem(study, i + 1, studies[0] as Study)))}

ns per call for 1 KiB in cache, of JSON where it is validated (\`~\`: not steady, \`?\`: cannot be right). Behind these, the sizes from which on
the second candidate is the better choice, of the sizes that all engines of all machines have measured (\`~\`: it would be another one with the
figures elsewhere in their spread). JavaScript is the fastest that an engine has measured, which is named for 1 KiB: \`js\`, which this package
ships, if no other is faster by more than ${percent(ALIKE)}. \`native\` is \`isUtf8\` with a view for each call. ${copiesInShort(studies)}

${mainFigures(places)}

${verdicts(places)}`;
}

function machineItem({ machine, date, commit, fingerprints }: Study, number: number, first: Study): string {
  const { cores, memoryGiB, kernel, arch, isVirtual } = machine;
  const parts = [
    processorText(machine),
    `${cores} cores`,
    `${memoryGiB} GiB`,
    ...(arch === undefined ? [] : [arch]),
    ...(isVirtual === true ? ['virtual'] : []),
    kernel,
  ];
  // What one of the two does not say is not another.
  const known = Object.entries(fingerprints).filter(([name]) => first.fingerprints[name] !== undefined);
  const changed = changedSince(Object.fromEntries(known), first.fingerprints);
  const names = changed.map((name) => `\`${name}\``);
  const others = names.length === 0 ? '' : `. Its sources of ${enumeration(names)} are others than on machine 1`;
  return `Machine ${number}: ${parts.join(', ')}; ${date.slice(0, 10)}, commit ${commit}${others}`;
}

const UNMASK = { op: 'unmask', bytes: KIB } as const;
const VALIDATE = { op: 'validate', content: 'json', bytes: KIB } as const;
const COPYING = 'wasm, copy in and out';

function mainFigures(places: readonly Place[]): string {
  const head = [
    '',
    'unmask: JavaScript',
    'unmask: `js`',
    'unmask: `wasm`',
    'unmask: `wasm`, copy in and out',
    'validate: JavaScript',
    'validate: `wasm`',
    'validate: `isUtf8`',
    'unmask: JavaScript → `wasm`',
    'unmask: JavaScript → `wasm`, copy in and out',
    'validate: `wasm` → `native`',
  ];
  const rows = places.map(({ machine, engine }) => [
    `machine ${machine}, ${engine.name}`,
    named(engine, UNMASK),
    ...['js', 'wasm', COPYING].map((candidate) => engine.nsCell({ ...UNMASK, candidate })),
    named(engine, VALIDATE),
    ...['wasm', 'isUtf8'].map((candidate) => engine.nsCell({ ...VALIDATE, candidate })),
    engine.crossoverCell('unmask', 'any', FASTEST_JS, 'wasm'),
    engine.crossoverCell('unmask', 'any', FASTEST_JS_OF_VIEWS, COPYING),
    engine.crossoverCell('validate', 'json', 'wasm', 'native'),
  ]);
  return markdownTable(head, rows);
}

/** The time of the fastest JavaScript of an engine, with its name. */
function named(engine: Engine, wanted: typeof UNMASK | typeof VALIDATE): string {
  const cell = engine.nsCell({ ...wanted, candidate: FASTEST_JS });
  return cell === '–' ? cell : `${cell} (\`${engine.fastestJs(wanted)}\`)`;
}

type Candidate = Pick<Parameters<Engine['ns']>[0], 'op' | 'content' | 'bytes' | 'candidate'>;

/** A claim that one candidate takes less time than another, by more than what means nothing. */
function isFaster(text: string, one: Candidate, other: Candidate): Claim {
  return { text, holds: (engine) => engine.ns(other) / engine.ns(one) > 1 + ALIKE };
}

const CLAIMS: readonly Claim[] = [
  {
    text: '`js`, the JavaScript of this package, unmasks 1 KiB no slower than a plain loop over words of 32 bits',
    holds: (engine) => {
      const [own, plain] = [engine.ns({ ...UNMASK, candidate: 'js' }), engine.ns({ ...UNMASK, candidate: 'js-words' })];
      return own <= plain * (1 + ALIKE);
    },
  },
  isFaster(
    'JavaScript unmasks 1 KiB faster than a JavaScript loop over bytes',
    { ...UNMASK, candidate: FASTEST_JS },
    { ...UNMASK, candidate: 'js-byte' },
  ),
  isFaster(
    'WASM with SIMD unmasks 1 KiB in its memory faster than JavaScript',
    { ...UNMASK, candidate: 'wasm' },
    { ...UNMASK, candidate: FASTEST_JS },
  ),
  isFaster(
    'WASM with SIMD unmasks 1 KiB faster than WASM without',
    { ...UNMASK, candidate: 'wasm' },
    { ...UNMASK, candidate: 'wasm-scalar' },
  ),
  {
    text: 'WASM with SIMD unmasks in its memory faster than JavaScript from 64 bytes on, or from fewer',
    holds: (engine) => engine.steadyCrossover('unmask', 'any', FASTEST_JS, 'wasm') <= 64,
  },
  isFaster(
    'With copies in and out, WASM unmasks 1 KiB faster than JavaScript',
    { ...UNMASK, candidate: COPYING },
    { ...UNMASK, candidate: FASTEST_JS_OF_VIEWS },
  ),
  isFaster(
    'With copies in and out, WASM unmasks 64 bytes slower than JavaScript',
    { ...UNMASK, bytes: 64, candidate: FASTEST_JS_OF_VIEWS },
    { ...UNMASK, bytes: 64, candidate: COPYING },
  ),
  {
    text: 'With copies in and out, WASM is never the better choice for unmasking',
    holds: (engine) => engine.steadyCrossover('unmask', 'any', FASTEST_JS_OF_VIEWS, COPYING) === NEVER_BYTES,
  },
  isFaster(
    'WASM with SIMD unmasks 64 bytes in its memory faster than bufferutil',
    { ...UNMASK, bytes: 64, candidate: 'wasm' },
    { ...UNMASK, bytes: 64, candidate: 'bufferutil' },
  ),
  isFaster(
    'WASM with SIMD validates 1 KiB of JSON faster than JavaScript',
    { ...VALIDATE, candidate: 'wasm' },
    { ...VALIDATE, candidate: FASTEST_JS },
  ),
  isFaster(
    'WASM with SIMD validates 1 KiB of JSON faster than `TextDecoder`',
    { ...VALIDATE, candidate: 'wasm' },
    { ...VALIDATE, candidate: 'TextDecoder' },
  ),
  isFaster(
    '`buffer.isUtf8` validates 64 KiB of JSON faster than WASM with SIMD',
    { ...VALIDATE, bytes: 64 * KIB, candidate: 'isUtf8' },
    { ...VALIDATE, bytes: 64 * KIB, candidate: 'wasm' },
  ),
];

/** Where a claim holds, where it does not, and where the figures do not say it. */
interface Verdict {
  readonly text: string;
  readonly right: readonly Place[];
  readonly wrong: readonly Place[];
  readonly open: readonly Place[];
}

function verdictOf({ text, holds }: Claim, places: readonly Place[]): Verdict {
  const verdict = { text, right: [] as Place[], wrong: [] as Place[], open: [] as Place[] };
  for (const place of places) {
    try {
      verdict[holds(place.engine) ? 'right' : 'wrong'].push(place);
    } catch (error) {
      if (!(error instanceof Unreported)) throw error;
      verdict.open.push(place);
    }
  }
  return verdict;
}

function verdicts(places: readonly Place[]): string {
  const all = CLAIMS.map((claim) => verdictOf(claim, places)).filter(
    ({ right, wrong }) => right.length + wrong.length > 0,
  );
  const isKnown = (verdict: Verdict) => silent(verdict).length === 0;
  const parts = [
    ['On all of them:', all.filter((one) => one.wrong.length === 0 && isKnown(one)).map(onAll)],
    ['Not on all of them:', all.filter(({ wrong }) => wrong.length > 0).map(notOnAll)],
    ['Not known of all of them:', all.filter((one) => one.wrong.length === 0 && !isKnown(one)).map(notKnown)],
  ] as const;
  return parts
    .filter(([, items]) => items.length > 0)
    .map(([title, items]) => `${title}\n\n${list(items)}`)
    .join('\n\n');
}

/** Machines of which no engine says anything. */
function silent({ right, wrong, open }: Verdict): number[] {
  const heard = new Set([...right, ...wrong].map(({ machine }) => machine));
  return [...new Set(open.map(({ machine }) => machine))].filter((machine) => !heard.has(machine));
}

function onAll({ text, right, open }: Verdict): string {
  const count = new Set(right.map(({ machine }) => machine)).size;
  const missing = open.length === 0 ? '' : `; no steady figures on ${placesText(open, [...right, ...open])}`;
  return `${text} (${right.length} engines on ${count} machines${missing}).`;
}

function notOnAll({ text, right, wrong, open }: Verdict): string {
  const judged = [...right, ...wrong];
  const missing = open.length === 0 ? '' : `; no steady figures on ${placesText(open, [...judged, ...open])}`;
  const where =
    right.length === 0
      ? `on none of ${judged.length} engines`
      : `on ${right.length} of ${judged.length} engines, not on ${placesText(wrong, [...judged, ...open])}`;
  return `${text}: ${where}${missing}.`;
}

function notKnown(verdict: Verdict): string {
  const { text, right } = verdict;
  const missing = silent(verdict).map(String);
  return `${text}: on all ${right.length} engines that say it, but machine ${enumeration(missing)} has no steady figures of it.`;
}

/** `machine 2 (Node 20 and Node 22) and machine 3`: without engines, if it is all of a machine. */
function placesText(some: readonly Place[], all: readonly Place[]): string {
  const numbers = [...new Set(some.map(({ machine }) => machine))];
  const of = (places: readonly Place[], number: number) => places.filter(({ machine }) => machine === number);
  const names = numbers.map((number) => {
    const own = of(some, number);
    return own.length === of(all, number).length
      ? `machine ${number}`
      : `machine ${number} (${enumeration(own.map(({ engine }) => engine.name))})`;
  });
  return enumeration(names);
}
