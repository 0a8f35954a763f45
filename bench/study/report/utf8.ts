import { CONTENTS } from '#dist/study/texts.js';
import { type Engine, FASTEST_JS, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { collector } from './cautions.js';
import { speeds, spreads } from './speeds-table.js';
import { asFast, asFastAs, KIB, paragraph, said, times } from './wording.js';

type Usual = 'ascii' | 'json' | 'cjk' | 'emoji';

export function utf8(study: Study, engine: Engine, all: readonly Engine[]): string {
  const speed = (candidate: string, bytes: number, content: Usual) =>
    engine.speed({ op: 'validate', candidate, bytes, content });
  const ratio = (a: string, b: string, bytes: number, content: Usual) =>
    speed(a, bytes, content) / speed(b, bytes, content);
  return [
    `### UTF-8 (${engine.name})`,
    '![Throughput of UTF-8 validation by size: the tables below have the figures](results/study-validate.svg)',
    `ASCII:\n\n${speeds(engine, 'validate', 'ascii')}`,
    spreads(engine, 'validate', 'ascii'),
    `JSON in several scripts:\n\n${speeds(engine, 'validate', 'json')}`,
    spreads(engine, 'validate', 'json'),
    engine.candidates('validate').some((name) => name === 'TextDecoder' || name === 'native') ? collector(study) : '',
    paragraph(
      said(
        () =>
          `On ASCII at 64 KiB WASM is ${asFastAs(ratio('wasm', 'isUtf8', 64 * KIB, 'ascii'))} \`buffer.isUtf8\`; on JSON with other characters it is ${asFast(ratio('wasm', 'isUtf8', 64 * KIB, 'json'))}.`,
      ),
      said(
        () =>
          `On 16 bytes of JSON, where the call is nearly all of it, WASM is ${asFastAs(ratio('wasm', 'isUtf8', 16, 'json'))} \`isUtf8\`.`,
      ),
    ),
    paragraph(
      said(
        () =>
          `**In JavaScript**, a fast path for words of ASCII (\`js-words\`) makes the automaton ${times(ratio('js-words', 'js-dfa', KIB, 'ascii'))} as fast on ASCII of 1 KiB, and ${times(ratio('js-words', 'js-dfa', KIB, 'json'))} on JSON.`,
      ),
      said(
        () =>
          `The validator of this package (\`js\`) is ${asFastAs(ratio('js', 'js-words', KIB, 'ascii'))} that on ASCII, ${asFast(ratio('js', 'js-words', KIB, 'json'))} on JSON, and ${asFast(ratio('js', 'js-words', KIB, 'cjk'))} on Chinese.`,
      ),
      said(
        () =>
          `The fastest JavaScript at 1 KiB is \`${engine.fastestJs({ op: 'validate', bytes: KIB, content: 'ascii' })}\` for ASCII and \`${engine.fastestJs({ op: 'validate', bytes: KIB, content: 'json' })}\` for JSON: WASM is ${asFastAs(ratio('wasm', FASTEST_JS, KIB, 'ascii'))} the one and ${asFastAs(ratio('wasm', FASTEST_JS, KIB, 'json'))} the other.`,
      ),
      said(
        () =>
          `A branch for each length of a character (\`js-branches\`) is ${asFastAs(ratio('js-branches', 'js', KIB, 'json'))} \`js\` on JSON, ${asFast(ratio('js-branches', 'js', KIB, 'cjk'))} on Chinese, and ${asFast(ratio('js-branches', 'js', KIB, 'emoji'))} on emoji.`,
      ),
    ),
    said(() => ofAuto(engine)),
    contents(engine),
    builds(all),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What the kernel that chooses by size alone costs where it chooses wrong. */
function ofAuto(engine: Engine): string {
  const ns = (candidate: string) => engine.ns({ op: 'validate', content: 'ascii', bytes: KIB, candidate });
  const ratio = ns('auto') / ns('wasm');
  return ratio > 1.25
    ? `\`auto\`, what this package uses by default, chooses by size and not by content: on 1 KiB of ASCII it takes ${times(ratio)} as long as WASM, which it calls for shorter texts only.`
    : '';
}

function contents(engine: Engine): string {
  const bytes = KIB;
  const candidates = engine.candidates('validate');
  const rows = candidates.map((candidate) => [
    candidate,
    ...CONTENTS.map((content) => engine.nsCell({ op: 'validate', content, bytes, candidate })),
  ]);
  return `By content, ns per call at ${size(bytes)} (an error ends some candidates early, so that GB/s would mean nothing):

${markdownTable(['ns', ...CONTENTS], rows)}`;
}

/** What one respect of a build is worth, by engine. */
function builds(all: readonly Engine[]): string {
  const ratios = (candidate: string, than: string) =>
    all
      .flatMap((engine) => {
        const wanted = { op: 'validate', content: 'json', bytes: 64 * KIB } as const;
        const ratio = said(() =>
          asFast(engine.speed({ ...wanted, candidate }) / engine.speed({ ...wanted, candidate: than })),
        );
        return ratio === '' ? [] : [`${engine.name}: ${ratio}`];
      })
      .join(', ');
  const [relaxed, constant] = [
    ratios('wasm', 'wasm, not relaxed'),
    ratios('wasm, constant tables', 'wasm, not relaxed'),
  ];
  const text = paragraph(
    relaxed === '' ? '' : `As it is shipped, WASM is, in comparison with the build without relaxed SIMD: ${relaxed}.`,
    constant === '' ? '' : `With tables that are constants of the code, without relaxed SIMD in both: ${constant}.`,
  );
  return text === '' ? '' : `**Builds of the same source**, JSON of 64 KiB. ${text}`;
}
