import { type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { Study } from '../results.js';
import { collectorInShort } from './cautions.js';
import { asFast, asFastAs, KIB, paragraph, said } from './wording.js';

const FUSED = ', fused';

export function both(study: Study, engine: Engine): string {
  const bytes = KIB;
  const content = 'json';
  const ways = engine.candidates('unmaskText');
  if (ways.length === 0) return '';
  const pairs = ways.filter((name) => name.includes(' + ')).map((name) => name.split(' + ') as [string, string]);
  const fused = ways.filter((name) => name.endsWith(FUSED)).map((name) => name.slice(0, -FUSED.length));
  const masks = [...new Set([...pairs.map(([mask]) => mask), ...fused])];
  const validators = [...new Set(pairs.map(([, validator]) => validator))];
  const speed = (candidate: string) => engine.speedCell({ op: 'unmaskText', content, bytes, candidate });
  const rows = masks.map((mask) => [
    mask,
    ...validators.map((validator) => speed(`${mask} + ${validator}`)),
    speed(`${mask}, fused`),
  ]);
  const ofAscii = ['wasm + wasm', 'wasm, fused', 'wasm + isUtf8', 'auto, fused', 'js + js', 'js, fused'].filter(
    (name) => ways.includes(name),
  );
  const asciiSizes = [KIB, 16 * KIB].filter((of) =>
    ofAscii.some((candidate) => engine.find({ op: 'unmaskText', content: 'ascii', bytes: of, candidate })),
  );
  const ascii =
    asciiSizes.length === 0
      ? []
      : [
          'The same of ASCII, ns per call:',
          markdownTable(
            ['', ...asciiSizes.map(size)],
            ofAscii.map((candidate) => [
              candidate,
              ...asciiSizes.map((of) => engine.nsCell({ op: 'unmaskText', content: 'ascii', bytes: of, candidate })),
            ]),
          ),
        ];
  const strict = (candidate: string, of: 'ascii' | 'json' = content) =>
    engine.speed({ op: 'unmaskText', content: of, bytes, candidate });
  return [
    `### Both: fused, or one after the other (${engine.name})`,
    `GB/s at ${size(bytes)} of JSON; rows unmask, columns validate:`,
    markdownTable(['', ...validators, 'fused'], rows),
    ...ascii,
    paragraph(
      said(
        () =>
          `Fused, WASM is ${asFastAs(strict('wasm, fused') / strict('wasm + wasm'))} its two passes one after the other on JSON, and ${asFast(strict('wasm, fused', 'ascii') / strict('wasm + wasm', 'ascii'))} on ASCII.`,
      ),
      said(
        () =>
          `WASM followed by \`isUtf8\` is ${asFastAs(strict('wasm + isUtf8') / strict('wasm, fused'))} fused WASM on JSON of this size, and ${asFast(strict('wasm + isUtf8', 'ascii') / strict('wasm, fused', 'ascii'))} on ASCII.`,
      ),
      said(() => `Fused, JavaScript is ${asFastAs(strict('js, fused') / strict('js + js'))} its two passes on JSON.`),
    ),
    validators.some((name) => name === 'TextDecoder' || name === 'native') ? collectorInShort(study) : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
