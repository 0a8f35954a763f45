import { CONTENTS } from '#dist/study/texts.js';
import { type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { speeds } from './speeds-table.js';
import { asFastAs, KIB, paragraph, said, times } from './wording.js';

export function utf8(engine: Engine): string {
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
    ...candidates.map((candidate) => engine.nsCell({ op: 'validate', content, bytes, candidate })),
  ]);
  return `By content, ns per call at ${size(bytes)} (an error ends some candidates early, so that GB/s would mean nothing):

${markdownTable(['ns', ...candidates], rows)}`;
}
