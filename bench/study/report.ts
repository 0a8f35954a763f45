/**
 * The text of bench/STUDY.md. Every figure comes from the study that it is given. A sentence whose figures are not there, or
 * that is true only of some machines, is left out by {@link said} where it is not true.
 */
import { figure } from '#dist/cli/table.js';
import { NEVER_BYTES, THRESHOLD_NAMES, THRESHOLDS } from '#dist/kernels/thresholds.js';
import { CONTENTS } from '#dist/study/texts.js';
import { gain } from './charts.js';
import { USUAL_ALIGNMENT } from './design.js';
import { type Engine, enginesOf, STEPS, size, Unreported } from './findings.js';
import { enumeration, list, markdownTable } from './markdown.js';
import type { EndToEndResult, Study } from './results.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Differences below this are within what two measurements of the same thing differ by. */
const ALIKE = 0.05;

const CONTENT_NAMES = { binary: 'binary', ascii: 'ASCII text', utf8: 'text, not ASCII' } as const;

export function studyMarkdown(study: Study): string {
  const engines = enginesOf(study);
  const sections = [
    '# JavaScript, WebAssembly or native code: where each is the fastest, and whether it matters',
    question(study),
    method(study, engines.all),
    '## Results',
    masking(study, engines.main),
    utf8(engines.main),
    both(engines.main),
    alignment(engines.main),
    cold(study, engines.main),
    onEngines(engines.all, engines.main),
    '## Crossover points',
    crossovers(engines.all, engines.main),
    '## End to end',
    endToEnd(study),
    threads(study),
    memory(study),
    '## What surprised',
    surprises(study, engines.main, engines.all),
    '## What it means for your own code',
    meaning(study, engines.main, engines.all),
    '## Limits of validity',
    limits(study),
    '## Run it yourself',
    RUN,
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** What `tell` says, or nothing if a figure that it needs is not reported. */
function said(tell: () => string): string {
  try {
    return tell();
  } catch (error) {
    if (error instanceof Unreported) return '';
    throw error;
  }
}

function paragraph(...sentences: readonly string[]): string {
  return sentences.filter((sentence) => sentence !== '').join(' ');
}

/** `3.2 times as fast as`, or `as fast as` where the difference is none. */
function asFastAs(ratio: number): string {
  return Math.abs(ratio - 1) <= ALIKE ? 'about as fast as' : `${times(ratio)} as fast as`;
}

function times(ratio: number): string {
  return `${figure(ratio)} times`;
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

function question({ isQuick }: Study): string {
  const quick = isQuick ? '**This is from a quick run: its figures only hint.**' : '';
  return [
    quick,
    `A WebSocket server has two loops over every byte that it receives: it XORs the payload with a masking key of four bytes
(RFC 6455 section 5.3), and it checks that text is UTF-8 (section 8.1). Both can be written in JavaScript, in WebAssembly
with and without SIMD, or left to native code: bufferutil, \`TextDecoder\`, \`buffer.isUtf8\`. Which is the fastest, from what
size on, on which engine? And once a server also pays for system calls, does anybody notice?

Published answers contradict each other. Some measure WASM together with copies into its memory, some measure code that is not
yet compiled, some let WASM compete with a byte loop that nobody needs to write, and most have run on one engine. Here these
are varied one by one.`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function method(study: Study, all: readonly Engine[]): string {
  const { cpu, cores, memoryGiB, kernel, node } = study.machine;
  const reported = all.reduce((sum, { result }) => sum + result.figures.length, 0);
  const unreported = all.reduce((sum, { result }) => sum + result.unreported.length, 0);
  const engines = all.map(({ result }) => `${result.node} (V8 ${result.v8})`);
  const [first] = all;
  const sizes = (op: 'unmask' | 'unmaskText', content: 'any' | 'json') => {
    const values = first?.values('bytes', { op, content, cache: 'hot', alignment: USUAL_ALIGNMENT }) ?? [];
    return `${size(values[0])} to ${size(values.at(-1))}`;
  };
  return `## Method

${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}; ${study.date.slice(0, 10)}, commit ${study.commit}. Node
${enumeration(engines)}. The servers ran on Node ${node}.

- **Candidates.** Masking: a JavaScript loop over bytes (\`js-byte\`), over 32-bit words (\`js\`), over 64-bit words as BigInt
  (\`js-bigint\`); WASM without SIMD (\`wasm-scalar\`) and with (\`wasm\`), in place; the latter for data in ordinary memory, copied
  in, or copied in and out again; bufferutil. Validation: an automaton in JavaScript (\`js-dfa\`), the same with a fast path
  for ASCII words (\`js\`), \`TextDecoder\` with \`fatal\`, WASM (the SIMD one after Keiser and Lemire, its tables loaded from
  memory), \`buffer.isUtf8\`, and that as the server uses it (\`native\`: a view made for each call, characters cut by the
  range's ends handled). Both in one pass (\`fused\`) against each way to unmask followed by each way to validate.
- **Cases.** All combinations would take days, so each group of cases varies what one question is about. Sizes: unmasking
  ${sizes('unmask', 'any')}, and validation of ASCII and of JSON in several scripts, at ${USUAL_ALIGNMENT} bytes behind a multiple of
  8, where the payload of a small frame lies, and in cache. Alignments, contents (${enumeration(CONTENTS.map((name) => `*${name}*`))}) and
  a cold cache at a few sizes. Candidates in place get an offset or a view that exists already.
- **Measurement.** Each candidate is compiled into a loop of its own, which runs in batches of about 0.05 ms, timed by tinybench,
  in a process for each engine, bound to a core. Candidates of a group take turns, and the rounds of
  a case are far apart, each over all cases of the study: a disturbance is seen as spread. Cold: up to
  256 places are visited once, after ${mebibytes(2 * study.cacheBytes)} of other bytes were written, which is twice what the last cache of
  this machine holds.
- **Figures** are medians over batches. GB/s are 10^9 payload bytes per second.
- **Bound.** If the middle half of the batches of a case spread over more than ${percent(study.spreadBound)} of their median, it is
  measured again, up to ${study.attempts} times in all, and then not reported (–). That befell ${unreported} of ${reported + unreported} cases.
- **Correctness.** Every verdict of every measured batch is checked, and what was unmasked is compared with what so many XORs
  must leave; before and after, each candidate is tried once with a real key. A wrong result ends the run.`;
}

/** Sizes that a table has: of those that were measured, some that tell most. */
const TABLE_SIZES = [4, 16, 64, 125, KIB, 4 * KIB, 64 * KIB, MIB, 16 * MIB];

function speeds(engine: Engine, op: 'unmask' | 'validate', content: 'any' | 'ascii' | 'json'): string {
  const sizes = engine.values('bytes', { op, content, cache: 'hot', alignment: USUAL_ALIGNMENT });
  const candidates = engine.candidates(op);
  return markdownTable(
    ['GB/s', ...candidates],
    TABLE_SIZES.filter((bytes) => sizes.includes(bytes)).map((bytes) => [
      size(bytes),
      ...candidates.map((candidate) => figure(engine.speedOrNone({ op, content, bytes, candidate }))),
    ]),
  );
}

function masking(study: Study, engine: Engine): string {
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
          `**Copies** are most of what is said against WASM. At 64 KiB, with a copy in it is ${asFastAs(ratio('wasm, copy in', 'wasm', 64 * KIB))} without, with copies in and out ${asFastAs(ratio('wasm, copy in and out', 'wasm', 64 * KIB))} without; that is still ${asFastAs(ratio('wasm, copy in and out', 'js', 64 * KIB))} JavaScript over words, and ${asFastAs(ratio('wasm, copy in and out', 'bufferutil', 64 * KIB))} bufferutil, which works in place.`,
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
  return `At 16 MiB WASM in place reaches ${figure(speed(16 * MIB))} GB/s, against ${figure(speed(64 * KIB))} at 64 KiB: how fast the XOR is matters less and less where memory is what has to be waited for.`;
}

function utf8(engine: Engine): string {
  const speed = (candidate: string, bytes: number, content: 'ascii' | 'json' | 'cjk') =>
    engine.speed({ op: 'validate', candidate, bytes, content });
  return [
    `### UTF-8 (${engine.name})`,
    '![Throughput of UTF-8 validation by size](results/study-validate.svg)',
    `ASCII:\n\n${speeds(engine, 'validate', 'ascii')}`,
    `JSON in several scripts:\n\n${speeds(engine, 'validate', 'json')}`,
    paragraph(
      said(
        () =>
          `On ASCII at 64 KiB the WASM lookup is ${asFastAs(speed('wasm', 64 * KIB, 'ascii') / speed('isUtf8', 64 * KIB, 'ascii'))} \`buffer.isUtf8\`; on JSON with other characters ${asFastAs(speed('wasm', 64 * KIB, 'json') / speed('isUtf8', 64 * KIB, 'json'))} it.`,
      ),
      said(
        () =>
          `At 16 bytes, where the call is nearly all of it, WASM is ${asFastAs(speed('wasm', 16, 'json') / speed('isUtf8', 16, 'json'))} \`isUtf8\`.`,
      ),
      said(
        () =>
          `In JavaScript a fast path for words of ASCII makes the automaton ${times(speed('js', KIB, 'ascii') / speed('js-dfa', KIB, 'ascii'))} as fast on ASCII of 1 KiB, and ${times(speed('js', KIB, 'json') / speed('js-dfa', KIB, 'json'))} on JSON.`,
      ),
    ),
    contents(engine),
  ].join('\n\n');
}

function contents(engine: Engine): string {
  const bytes = KIB;
  const candidates = engine.candidates('validate');
  const rows = CONTENTS.map((content) => [
    content,
    ...candidates.map((candidate) =>
      figure(engine.find({ op: 'validate', content, bytes, candidate })?.ns ?? Number.NaN),
    ),
  ]);
  return `By content, ns per call at ${size(bytes)} (an error ends some candidates early, so that GB/s would mean nothing):

${markdownTable(['ns', ...candidates], rows)}`;
}

function both(engine: Engine): string {
  const bytes = KIB;
  const content = 'json';
  const ways = engine.candidates('unmaskText');
  const pairs = ways.filter((name) => name.includes(' + ')).map((name) => name.split(' + ') as [string, string]);
  const masks = [...new Set(pairs.map(([mask]) => mask))];
  const validators = [...new Set(pairs.map(([, validator]) => validator))];
  const speed = (candidate: string) => engine.speedOrNone({ op: 'unmaskText', content, bytes, candidate });
  const rows = masks.map((mask) => [
    mask,
    ...validators.map((validator) => figure(speed(`${mask} + ${validator}`))),
    figure(speed(`${mask}, fused`)),
  ]);
  const strict = (candidate: string, of: 'ascii' | 'json' = content) =>
    engine.speed({ op: 'unmaskText', content: of, bytes, candidate });
  return [
    `### Both: fused, or one after the other (${engine.name})`,
    `GB/s at ${size(bytes)} of JSON; rows unmask, columns validate:`,
    markdownTable(['', ...validators, 'fused'], rows),
    paragraph(
      said(
        () =>
          `Fused, WASM is ${asFastAs(strict('wasm, fused') / strict('wasm + wasm'))} its two halves one after the other on JSON, and ${asFastAs(strict('wasm, fused', 'ascii') / strict('wasm + wasm', 'ascii'))} them on ASCII.`,
      ),
      said(
        () =>
          `WASM followed by \`isUtf8\` is ${asFastAs(strict('wasm + isUtf8') / strict('wasm, fused'))} fused WASM on JSON of this size, and ${asFastAs(strict('wasm + isUtf8', 'ascii') / strict('wasm, fused', 'ascii'))} it on ASCII.`,
      ),
      said(() => `JavaScript gains ${times(strict('js, fused') / strict('js + js'))} by fusing.`),
    ),
  ].join('\n\n');
}

function alignment(engine: Engine): string {
  const bytes = KIB;
  const cells = (op: 'unmask' | 'validate') =>
    engine.candidates(op).flatMap((candidate) => {
      const penalty = said(() => figure(engine.alignmentPenalty(op, candidate, bytes)));
      return penalty === '' ? [] : [[`${op}: ${candidate}`, penalty]];
    });
  const rows = [...cells('unmask'), ...cells('validate')];
  if (rows.length === 0) return '';
  return `### Alignment (${engine.name})

How many times as long the worst alignment takes as the best, at ${size(bytes)}. What is below 1.1 cannot be told from nothing.

${markdownTable(['', 'worst / best'], rows)}`;
}

function cold(study: Study, engine: Engine): string {
  const sizes = engine.values('bytes', { op: 'unmask', cache: 'cold' });
  const rows = (['unmask', 'validate'] as const).flatMap((op) =>
    engine.candidates(op).map((candidate) => [
      `${op}: ${candidate}`,
      ...sizes.map((bytes) => {
        const [inCache, inMemory] = (['hot', 'cold'] as const).map((cache) =>
          engine.speedOrNone({ op, candidate, bytes, cache }),
        );
        return `${figure(inMemory ?? Number.NaN)} (${figure((inMemory ?? Number.NaN) / (inCache ?? Number.NaN))})`;
      }),
    ]),
  );
  if (sizes.length === 0) return '';
  const at = sizes.find((bytes) => bytes === KIB) ?? (sizes[0] as number);
  const speed = (candidate: string, cache: 'hot' | 'cold') =>
    engine.speed({ op: 'unmask', candidate, bytes: at, cache });
  return `### Cold cache (${engine.name})

GB/s of bytes that are in no cache, and in brackets the part of its speed in cache that a candidate keeps; validation of JSON. What a socket
has just been read into is hot; what waited while ${mebibytes(study.cacheBytes)} of other things passed is not.

${markdownTable(['', ...sizes.map(size)], rows)}

${paragraph(
  said(
    () =>
      `In cache WASM unmasks ${size(at)} ${asFastAs(speed('wasm', 'hot') / speed('js', 'hot'))} JavaScript over words; cold it is ${asFastAs(speed('wasm', 'cold') / speed('js', 'cold'))} it.`,
  ),
)}`.trimEnd();
}

function onEngines(all: readonly Engine[], main: Engine): string {
  const bytes = 64 * KIB;
  const kinds = [
    ['unmask', 'any', ''],
    ['validate', 'ascii', ', ASCII'],
    ['validate', 'json', ', JSON'],
  ] as const;
  const rows = kinds.flatMap(([op, content, suffix]) =>
    main
      .candidates(op)
      .map((candidate) => [
        `${op}${suffix}: ${candidate}`,
        ...all.map((engine) => figure(engine.speedOrNone({ op, content, bytes, candidate }))),
      ]),
  );
  return `### Engines side by side

![The same code on each engine](results/study-engines.svg)

GB/s at ${size(bytes)}:

${markdownTable(['', ...all.map(({ name }) => name)], rows)}`;
}

function crossovers(all: readonly Engine[], main: Engine): string {
  const rows = STEPS.map(([title, op, content, from, to]) => [
    title,
    ...all.map((engine) => size(engine.crossover(op, content, from, to))),
  ]);
  return `![Where one way overtakes another](results/study-crossovers.svg)

The size from which on the second is the better choice, by the least regret over all sizes; the smallest size measured where it always is.

${markdownTable(['', ...all.map(({ name }) => name)], rows)}

The kernel \`auto\` has thresholds between its implementations. What they should be, in bytes, each engine has found through \`auto\`
itself, in finer steps, as \`wsloom kernels\` does; text is weighed as half ASCII and half Latin, Chinese and emoji in equal parts:

${thresholdsTable(all)}

${autoComment(main)}`.trimEnd();
}

function thresholdsTable(all: readonly Engine[]): string {
  const show = (bytes: number) => (bytes === NEVER_BYTES ? 'never' : String(bytes));
  return markdownTable(
    ['from so many bytes on', ...all.map(({ name }) => name), 'as shipped'],
    THRESHOLD_NAMES.map((name) => [
      `\`${name}\``,
      ...all.map(({ result }) => show(result.thresholds[name])),
      show(THRESHOLDS[name]),
    ]),
  );
}

function autoComment(main: Engine): string {
  const ascii = main.crossover('validate', 'ascii', 'wasm', 'native');
  const json = main.crossover('validate', 'json', 'wasm', 'native');
  if (ascii === undefined || json === undefined || ascii <= json) return '';
  const when = ascii === NEVER_BYTES ? 'never' : `from ${size(ascii)} on`;
  return `There is no one right threshold: native validation pays from ${size(json)} on where text is not ASCII, and ${when} where it is.`;
}

function caseName({ bytes, content, connections, inFlight }: EndToEndResult): string {
  return `${connections} × ${size(bytes)}, ${inFlight} in flight, ${CONTENT_NAMES[content]}`;
}

function endToEnd({ endToEnd: results }: Study): string {
  if (results.length === 0) return 'No servers were measured.';
  const kernels = ['js', 'wasm', 'native', 'auto'];
  const cases = [...new Set(results.map(caseName))];
  const rows = cases.map((name) => [
    name,
    ...kernels.map((kernel) => {
      const result = results.find((one) => one.kernel === kernel && caseName(one) === name);
      if (result === undefined) return '–';
      const mark = result.isDisturbed ? '!' : result.isClientBound ? '*' : '';
      return `${figure(result.perSecond)}${kernel === 'js' ? '' : ` (${figure(gain(results, result))})`}${mark}`;
    }),
  ]);
  const gains = results
    .filter(({ kernel, isDisturbed }) => kernel === 'auto' && !isDisturbed)
    .map((result) => ({ result, value: gain(results, result) }))
    .filter(({ value }) => Number.isFinite(value))
    .sort((a, b) => a.value - b.value);
  const [least, most] = [gains[0], gains.at(-1)];
  return [
    '![What a kernel is worth in the server](results/study-end-to-end.svg)',
    `Echoes per second of one core (server and load generator are bound to one each), and in brackets how many times as much as with
\`--kernel js\`. \`*\`: the client was the limit, and CPU time per message is compared. \`!\`: something else had part of the cores.`,
    markdownTable(['connections × size', ...kernels.map((kernel) => `\`${kernel}\``)], rows),
    paragraph(
      least === undefined || most === undefined
        ? ''
        : `With \`auto\` the server carries between ${times(least.value)} (${caseName(least.result)}) and ${times(most.value)} (${caseName(most.result)}) as much as with \`js\`.`,
      'With small messages more than the XOR differs: with a WASM kernel headers are found and replies gathered by WASM too, a whole read in one call, which the `js` kernel has not.',
    ),
  ].join('\n\n');
}

function threads({ threads: results, machine }: Study): string {
  if (results.length === 0) return '';
  const rows = results.map(({ bytes, content, kernel, threads: count, perSecond, cpu }) => [
    `${size(bytes)}, ${CONTENT_NAMES[content]}`,
    `\`${kernel}\``,
    String(count),
    figure(perSecond),
    cpu.toFixed(2),
  ]);
  const kinds = [...new Set(results.map(({ bytes }) => bytes))];
  const sentences = kinds.map((bytes) => {
    const of = (kernel: string, isMany: boolean) =>
      results.find((one) => one.bytes === bytes && one.kernel === kernel && one.threads > 1 === isMany)?.perSecond;
    const [one, many, other] = [of('js', false), of('js', true), of('auto', false)];
    if (one === undefined || many === undefined || other === undefined) return '';
    return `At ${size(bytes)}, from one thread with \`js\`, a better kernel buys ${times(other / one)}, more threads ${times(many / one)} as much.`;
  });
  return `### Threads against kernels

Server and load generator share the ${machine.cores} cores of this machine, so that a second thread of the server takes from the load what it has.

${markdownTable(['messages', 'kernel', 'threads', 'echoes/s', 'CPU'], rows)}

${paragraph(...sentences)} The two multiply: threads need cores that nothing else uses, a kernel needs none.`;
}

function memory({ memory: results }: Study): string {
  if (results.length === 0) return '';
  const rows = results.map(({ kernel, threads: count, arenaBytes, atStart, afterSmall, afterLarge }) => [
    `\`--kernel ${kernel} --threads ${count} --arena ${size(arenaBytes).replace(' ', '')}\``,
    ...[atStart, afterSmall, afterLarge].map((bytes) => figure(bytes / MIB)),
  ]);
  const of = (arenaBytes: number) =>
    results.find((one) => one.kernel === 'auto' && one.threads === 1 && one.arenaBytes === arenaBytes);
  const [small, large] = [of(16 * MIB), of(1024 * MIB)];
  const difference =
    small === undefined || large === undefined
      ? ''
      : `An arena of ${size(large.arenaBytes)} takes ${mebibytes(Math.max(0, large.atStart - small.atStart))} more at the start than one of ${size(small.arenaBytes)}: it is address space until bytes arrive in it.`;
  return `### What the arena costs

Resident MiB of the server's process: at the start, after echoes of 20 bytes on 100 connections, and after echoes of 1 MiB on 20.

${markdownTable(['', 'start', 'small', 'large'], rows)}

${paragraph(difference, 'What was touched once stays.')}`;
}

function surprises(study: Study, main: Engine, all: readonly Engine[]): string {
  const found = [
    said(() => {
      const penalty =
        main.ns({ op: 'validate', content: 'invalid at the start', bytes: KIB, candidate: 'TextDecoder' }) /
        main.ns({ op: 'validate', content: 'json', bytes: KIB, candidate: 'TextDecoder' });
      return penalty > 1 + ALIKE
        ? `To refuse 1 KiB whose first byte is wrong takes \`TextDecoder\` ${times(penalty)} as long as to accept it: the exception costs more than the text. What attackers send should not be what is slowest.`
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
        : `Copies in and out bring WASM to ${times(ratio)} the speed of bufferutil at 64 KiB: who cannot read into WASM memory has no use for it there.`;
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
      const inMemory = { op: 'unmask', bytes: KIB, cache: 'cold' } as const;
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
  const binary = results.filter(
    ({ kernel, content, isDisturbed }) => kernel === 'wasm' && content === 'binary' && !isDisturbed,
  );
  const gains = binary
    .map((result) => ({ result, value: gain(results, result) }))
    .filter(({ value }) => Number.isFinite(value));
  const most = gains.sort((a, b) => b.value - a.value)[0];
  if (most === undefined) return '';
  return `End to end, where an XOR is all that differs (binary messages), the most that WASM gains over JavaScript is ${times(most.value)} (${caseName(most.result)}).`;
}

function meaning(study: Study, main: Engine, all: readonly Engine[]): string {
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

function limits({ machine, engines, isQuick }: Study): string {
  return list(
    [
      `One machine (${machine.cpu}), x64, virtual. Other processors have other vectors and other caches; arm64 was not tried. Ratios travel better than GB/s, and crossovers worse than both.`,
      `Versions: ${enumeration(engines.map(({ node, v8 }) => `${node} with V8 ${v8}`))}. Another minor may compile otherwise.`,
      'Code is warm. What a function costs before it is compiled is not measured; servers live long.',
      'Each loop sees one candidate. A call site that meets several is slower, for all of them.',
      'Cold cache includes cold translation of addresses, and 256 places in no order: a stream that hardware can foresee is between hot and cold.',
      'The thresholds of `auto` are for messages that go through the framing loop: small ones that arrive whole are unmasked and validated by WASM in one call a read, whatever the thresholds.',
      'End to end, server and client share a machine, and its loopback device takes the place of a network.',
      isQuick ? 'It is a quick run.' : '',
    ].filter((item) => item !== ''),
  );
}

const RUN = `\`\`\`sh
npm ci
npm run study                # everything, on four engines which it installs: forty minutes or so; wants a quiet machine
npm run study -- --quick     # within three minutes, and figures that only hint
npm run study:report         # makes this file and its charts from bench/results/study.json
npx wsloom kernels           # the kernels of this package, in ten seconds, on your machine
\`\`\`

This file is made by [study/report.ts](study/report.ts) from [results/study.json](results/study.json): no figure in it was typed.`;
