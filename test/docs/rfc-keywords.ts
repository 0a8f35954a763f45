/*
 * How often the sections of two RFCs say one of the words of RFC 2119, in capitals: what the documents about them have to account for.
 * Sections without such a word are left out. The counts are of the published texts, with words over two lines taken as one.
 */

/** A word of RFC 2119. */
export type Keyword =
  | 'MUST'
  | 'MUST NOT'
  | 'REQUIRED'
  | 'SHALL'
  | 'SHALL NOT'
  | 'SHOULD'
  | 'SHOULD NOT'
  | 'RECOMMENDED'
  | 'MAY'
  | 'OPTIONAL';

/** The sections of an RFC in their order, and how often each word stands in them; a subsection does not count for its section. */
export type KeywordCounts = readonly (readonly [section: string, counts: Readonly<Partial<Record<Keyword, number>>>])[];

export const RFC_6455: KeywordCounts = [
  [
    '2',
    {
      MUST: 2,
      'MUST NOT': 1,
      REQUIRED: 1,
      SHALL: 1,
      'SHALL NOT': 1,
      SHOULD: 2,
      'SHOULD NOT': 1,
      RECOMMENDED: 1,
      MAY: 3,
      OPTIONAL: 1,
    },
  ],
  ['2.1', { MAY: 1 }],
  ['3', { OPTIONAL: 1, 'MUST NOT': 1, MUST: 1 }],
  ['4.1', { MAY: 5, MUST: 39, SHOULD: 3 }],
  ['4.2', { MAY: 1 }],
  ['4.2.1', { MUST: 1, 'SHOULD NOT': 1 }],
  ['4.2.2', { MUST: 8, MAY: 2, 'MUST NOT': 2 }],
  ['4.3', { MUST: 1 }],
  ['4.4', { MUST: 1 }],
  ['5.1', { MUST: 3, MAY: 3, 'MUST NOT': 1 }],
  ['5.2', { MAY: 1, MUST: 10 }],
  ['5.3', { MUST: 3, 'MUST NOT': 1 }],
  ['5.4', { MAY: 2, 'MUST NOT': 6, MUST: 4 }],
  ['5.5', { MUST: 1, 'MUST NOT': 1 }],
  ['5.5.1', { MAY: 5, MUST: 4, 'MUST NOT': 2, SHOULD: 2 }],
  ['5.5.2', { MAY: 2, MUST: 1, SHOULD: 1 }],
  ['5.5.3', { MAY: 2 }],
  ['5.6', { MUST: 1 }],
  ['5.8', { MUST: 1 }],
  ['6.1', { MUST: 8, MAY: 1 }],
  ['6.2', { MUST: 5, MAY: 2 }],
  ['7.1.1', { SHOULD: 4, MAY: 2 }],
  ['7.1.2', { MUST: 1, SHOULD: 1 }],
  ['7.1.7', { MUST: 2, MAY: 2, SHOULD: 2, 'MUST NOT': 1, 'SHOULD NOT': 1 }],
  ['7.2.1', { MUST: 2, 'SHOULD NOT': 1 }],
  ['7.2.2', { MUST: 1 }],
  ['7.2.3', { SHOULD: 3, MAY: 1 }],
  ['7.3', { MAY: 1, 'SHOULD NOT': 1 }],
  ['7.4', { MAY: 1 }],
  ['7.4.1', { MAY: 2, 'MUST NOT': 3, SHOULD: 1 }],
  ['8.1', { MUST: 1 }],
  ['9', { MAY: 2, 'MUST NOT': 1, MUST: 1 }],
  ['9.1', { MUST: 4, MAY: 2, 'MUST NOT': 1 }],
  ['9.2', { MAY: 1 }],
  ['10.2', { SHOULD: 2 }],
  ['10.3', { MUST: 1 }],
  ['10.4', { MUST: 1, SHOULD: 1 }],
  ['10.6', { MUST: 1, SHOULD: 1 }],
  ['10.7', { MUST: 1, MAY: 1, SHOULD: 2 }],
  ['11.1.1', { MUST: 2 }],
  ['11.1.2', { MUST: 2 }],
  ['11.3.1', { 'MUST NOT': 1 }],
  ['11.3.2', { MAY: 1, 'MUST NOT': 1 }],
  ['11.3.3', { 'MUST NOT': 1 }],
  ['11.3.4', { MAY: 1, 'MUST NOT': 1 }],
  ['11.3.5', { MAY: 1, 'MUST NOT': 1 }],
];

export const RFC_7692: KeywordCounts = [
  [
    '2',
    {
      MUST: 2,
      'MUST NOT': 1,
      REQUIRED: 1,
      SHALL: 1,
      'SHALL NOT': 1,
      SHOULD: 2,
      'SHOULD NOT': 1,
      RECOMMENDED: 1,
      MAY: 2,
      OPTIONAL: 1,
    },
  ],
  ['4', { MUST: 2 }],
  ['5', { MUST: 8, MAY: 2, 'MUST NOT': 3 }],
  ['6.1', { MUST: 3, 'MUST NOT': 1 }],
  ['6.2', { MUST: 2 }],
  ['7', { MUST: 2 }],
  ['7.1.1.1', { MAY: 2, RECOMMENDED: 1 }],
  ['7.1.1.2', { MAY: 2, MUST: 1 }],
  ['7.1.2.1', { MAY: 2, MUST: 2 }],
  ['7.1.2.2', { MAY: 2, MUST: 2, 'MUST NOT': 1 }],
  ['7.2.1', { MAY: 7, MUST: 3, 'MUST NOT': 4 }],
  ['7.2.2', { MAY: 4, MUST: 6 }],
  ['7.3', { RECOMMENDED: 1 }],
];
