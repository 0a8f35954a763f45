/**
 * Which of all combinations are measured. All of them, on all engines, would take days. So each group of cases answers one question:
 * it varies one property, and keeps the others as they are in a server.
 */
import type { Content } from '#dist/study/texts.js';
import type { Operation } from './candidates.js';
import type { Pattern } from './case.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Cases that differ only in the candidate. The candidates take turns. */
export interface Group {
  readonly op: Operation;
  /** `any` where the content makes no difference. */
  readonly content: Content | 'any';
  readonly bytes: number;
  /** The first byte's distance from a multiple of 8. */
  readonly alignment: number;
  readonly pattern: Pattern;
  /** The candidates; undefined for all candidates of the operation. */
  readonly only?: readonly string[];
}

/** Most payloads begin behind the header of a small frame, in a buffer that begins at a multiple of 8. */
export const USUAL_ALIGNMENT = 6;

/** The contents that come first: every validator has a fast path for one, and the other is a usual mixture. */
export const USUAL_CONTENTS = ['ascii', 'json'] as const;

/** The ways to unmask and validate that a server might choose from; the others are for comparison only. */
export const MAIN_WAYS = [
  'js, fused',
  'wasm-scalar, fused',
  'wasm, fused',
  'auto, fused',
  'wasm + native',
  'wasm + isUtf8',
  'bufferutil + isUtf8',
  'websocketUnmask + isUtf8',
] as const;

/** What is measured with a cold cache: others differ from these in what they compute, and to fill the caches takes long. */
const COLD_WAYS = {
  unmask: [
    'js-byte',
    'js-words',
    'js-words-8, closure',
    'js-bigint-4',
    'js',
    'js-words-8, kept, of a view',
    'js-bigint-4, kept, of a view',
    'wasm-scalar',
    'wasm',
    'wasm, copy in and out',
    'bufferutil',
    'websocketUnmask',
    'auto',
  ],
  validate: ['js-dfa', 'js-branches', 'js', 'TextDecoder', 'wasm-scalar', 'wasm', 'isUtf8', 'native', 'auto'],
} as const;

interface Design {
  readonly sizes: readonly number[];
  readonly mainSizes: readonly number[];
  readonly alignments: readonly number[];
  readonly alignedSizes: readonly number[];
  readonly contents: readonly Content[];
  readonly contentSizes: readonly number[];
  readonly coldSizes: readonly number[];
  readonly manySizes: readonly number[];
  readonly latencySizes: readonly number[];
  readonly sequenceSizes: readonly number[];
  readonly sequenceContents: readonly Content[];
}

const POWERS = Array.from({ length: 23 }, (_, i) => 4 << i);
const ALL_SIZES = [...POWERS, 125, 65535].sort((a, b) => a - b);
const ALL_CONTENTS: readonly Content[] = [
  'ascii',
  'latin',
  'cjk',
  'emoji',
  'json',
  'invalid at the start',
  'invalid in the middle',
  'invalid at the end',
];

const FULL: Design = {
  sizes: ALL_SIZES,
  mainSizes: ALL_SIZES,
  alignments: [0, 1, 2, 3, 4, 5, 6, 7],
  alignedSizes: [KIB],
  contents: ALL_CONTENTS,
  contentSizes: [KIB],
  coldSizes: [KIB, 16 * KIB, 256 * KIB],
  manySizes: [64, 125, KIB],
  latencySizes: [16, 64, 125, KIB],
  sequenceSizes: [KIB],
  sequenceContents: USUAL_CONTENTS,
};

const QUICK: Design = {
  sizes: [4, 16, 64, 125, 256, KIB, 4 * KIB, 64 * KIB, MIB],
  mainSizes: [16, 125, KIB, 16 * KIB],
  alignments: [0, 1, 4],
  alignedSizes: [KIB],
  contents: ALL_CONTENTS,
  contentSizes: [KIB],
  coldSizes: [KIB, 256 * KIB],
  manySizes: [125, KIB],
  latencySizes: [64],
  sequenceSizes: [KIB],
  sequenceContents: ['json'],
};

/** All groups that are measured on each engine, each once. */
export function groups(isQuick: boolean): Group[] {
  const design = isQuick ? QUICK : FULL;
  const usual = { alignment: USUAL_ALIGNMENT, pattern: 'hot' } as const;
  const unmask = { ...usual, op: 'unmask', content: 'any' } as const;
  const validate = { ...usual, op: 'validate' } as const;
  const unmaskText = { ...usual, op: 'unmaskText' } as const;
  const all: Group[] = [
    ...design.sizes.map((bytes) => ({ ...unmask, bytes })),
    ...USUAL_CONTENTS.flatMap((content) => design.sizes.map((bytes) => ({ ...validate, content, bytes }))),
    ...design.alignedSizes.flatMap((bytes) =>
      design.alignments.flatMap((alignment) => [
        { ...unmask, bytes, alignment },
        { ...validate, content: 'json' as const, bytes, alignment },
      ]),
    ),
    ...design.contentSizes.flatMap((bytes) => design.contents.map((content) => ({ ...validate, content, bytes }))),
    ...design.coldSizes.flatMap((bytes) => [
      { ...unmask, bytes, pattern: 'cold' as const, only: COLD_WAYS.unmask },
      { ...validate, content: 'json' as const, bytes, pattern: 'cold' as const, only: COLD_WAYS.validate },
    ]),
    ...design.manySizes.flatMap((bytes) => [
      { ...validate, content: 'json' as const, bytes, pattern: 'many' as const },
      { ...unmaskText, content: 'json' as const, bytes, pattern: 'many' as const, only: MAIN_WAYS },
    ]),
    ...design.latencySizes.flatMap((bytes) => [
      { ...unmask, bytes, pattern: 'latency' as const },
      { ...validate, content: 'json' as const, bytes, pattern: 'latency' as const },
    ]),
    ...design.sequenceContents.flatMap((content) =>
      design.sequenceSizes.map((bytes) => ({ ...unmaskText, content, bytes })),
    ),
    ...USUAL_CONTENTS.flatMap((content) =>
      design.mainSizes.map((bytes) => ({ ...unmaskText, content, bytes, only: MAIN_WAYS })),
    ),
  ];
  const seen = new Set<string>();
  return all.filter(({ op, content, bytes, alignment, pattern }) => {
    const name = `${op} ${content} ${bytes} ${alignment} ${pattern}`;
    return seen.has(name) ? false : seen.add(name);
  });
}
