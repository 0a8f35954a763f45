/**
 * Messages of permessage-deflate that implementations get wrong, or should refuse, each with its verdict. They are published in
 * corpus/inflate.json, as bytes, for other implementations to use.
 */
import { BitWriter, codewords, dynamic, FIXED_DISTANCES, FIXED_LITERALS, lengths } from './bit-writer.js';

/** Bytes, repeated. */
export interface Repeated {
  readonly hex: string;
  readonly times: number;
}

export interface OddStream {
  readonly name: string;
  /** The compressed message, without the 00 00 FF FF that its sender has left out. */
  readonly message: Buffer;
  /** What the messages before have ended with. */
  readonly history?: Repeated;
  /** `DONE`, or why the message is corrupt: a name of `InflateResult`. */
  readonly verdict: string;
  /** The inflated message, if it is not corrupt. */
  readonly output?: Repeated;
}

const STREAMS: OddStream[] = [];

function hex(bytes: string): Buffer {
  return Buffer.from(bytes.replaceAll(' ', ''), 'hex');
}

function text(output: string, times = 1): Repeated {
  return { hex: Buffer.from(output, 'latin1').toString('hex'), times };
}

function right(name: string, message: Buffer, output: Repeated, history?: Repeated): void {
  STREAMS.push({ name, message, ...(history && { history }), verdict: 'DONE', output });
}

function wrong(verdict: string, name: string, message: Buffer, history?: Repeated): void {
  STREAMS.push({ name, message, ...(history && { history }), verdict });
}

const writer = () => new BitWriter();
const fixed = (isLast = false) => writer().number(isLast ? 3 : 2, 3);
const literal = (character: string) => FIXED_LITERALS[character.charCodeAt(0)] ?? '';
const EOB = FIXED_LITERALS[256] ?? '';
/** In fixed codes: the codeword of length 3, and the one of a distance symbol. */
const THREE = FIXED_LITERALS[257] ?? '';
const distance = (symbol: number) => FIXED_DISTANCES[symbol] ?? '';

/** A code of only these symbols, with a bit each: 'A' and the end of the block, and one distance. */
const A_AND_END = lengths(257, { 65: 1, 256: 1 });
const A_END_AND_THREE = lengths(258, { 65: 1, 256: 2, 257: 2 });

// RFC 7692 section 7.2.3.
right('the example of section 7.2.3.1', hex('f2 48 cd c9 c9 07 00'), text('Hello'));
right('the example of section 7.2.3.2', hex('f2 00 11 00 00'), text('Hello'), text('Hello'));
right('the example of section 7.2.3.3', hex('00 05 00 fa ff 48 65 6c 6c 6f 00'), text('Hello'));
right('the example of section 7.2.3.4, with BFINAL', hex('f3 48 cd c9 c9 07 00 00'), text('Hello'));
right('the example of section 7.2.3.5, two blocks', hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00'), text('Hello'));
right('an empty message, as section 7.2.3.6 has it', hex('00'), text(''));
right('a message without a byte', hex(''), text(''));
right('an empty message of an empty block with fixed codes', hex('02 00'), text(''));

// How a message ends.
right('the four bytes that are to be left out, not left out', hex('f2 48 cd c9 c9 07 00 00 00 ff ff'), text('Hello'));
right('a block with BFINAL at the end, and nothing behind it', hex('f3 48 cd c9 c9 07 00'), text('Hello'));
right('a stored block with BFINAL at the end', writer().stored('Hello', true).buffer, text('Hello'));
right('a stored block with BFINAL, whose lengths are left out', hex('f2 48 cd c9 c9 07 04'), text('Hello'));
right(
  'a block with BFINAL in the middle; the next begins with the next byte, and its matches reach over it',
  Buffer.concat([
    fixed(true).code(literal('a')).code(literal('b')).code(literal('c')).code(EOB).align(1).buffer,
    fixed().code(THREE).code(distance(2)).code(EOB).end().buffer,
  ]),
  text('abcabc'),
);
right('four empty blocks with BFINAL', hex('03 00 03 00 03 00 03 00'), text(''));
right(
  'stored blocks with BFINAL, and a match over all of them',
  writer()
    .stored('a', true)
    .stored('b', true)
    .stored('c', true)
    .number(2, 3)
    .code(THREE)
    .code(distance(2))
    .code(EOB)
    .end().buffer,
  text('abcabc'),
);
right('ones up to the next byte, behind the header of a stored block', hex('f8'), text(''));
right('ends with a stored block that is not empty', writer().stored('Hello').buffer, text('Hello'));
for (const left of [0, 1, 2]) {
  // A literal of nine bits moves the end of the block by a bit.
  const nines = (46 - left) % 8;
  const block = fixed();
  for (let i = 0; i < nines; i++) block.code(literal('\xff'));
  const { buffer } = block.code(EOB);
  right(`ends behind a block, with ${left} bits left in its last byte`, buffer, text('\xff', nines));
  if (left === 0) continue;
  const marred = Buffer.from(buffer);
  marred.writeUInt8(marred.readUInt8(marred.length - 1) | 0x80, marred.length - 1);
  wrong('CUT', `ends behind a block, with ${left} bits left that are not zero`, marred);
}
wrong('CUT', 'ends within a literal', hex('f2 48 cd c9 c9'));
wrong('CUT', 'ends in front of the end of a block', fixed().code(literal('a')).code(literal('b')).buffer);
wrong('CUT', 'ends with the header of a block with fixed codes', hex('02'));
wrong('CUT', 'ends within the header of a block with codes of its own', hex('04 c0'));
wrong('CUT', 'ends with the first byte of the lengths of a stored block', hex('00 05'));
wrong('CUT', 'ends with three bytes of the lengths of a stored block', hex('00 05 00 fa'));
wrong('CUT', 'a stored block that lacks a byte', hex('00 05 00 fa ff 48 65 6c 6c'));
wrong('CUT', 'a stored block that lacks four bytes, which are not those that were left out', hex('00 05 00 fa ff 48'));
wrong('CUT', 'a stored block that lacks twelve bytes', hex('00 0d 00 f2 ff 48'));
wrong('CUT', 'a stored block that lacks fourteen bytes', hex('00 0f 00 f0 ff 48'));
wrong('CUT', 'the four bytes that are left out begin within a stored block, and match', hex('00 ff'));
wrong(
  'CUT',
  'ends within the extra bits of a distance',
  fixed().code(THREE).code(distance(29)).buffer,
  text('a', 32768),
);

// Blocks.
wrong('BLOCK_TYPE', 'a block of the reserved type', hex('06 00'));
wrong('BLOCK_TYPE', 'a block of the reserved type, with BFINAL', hex('07 00'));
wrong('BLOCK_TYPE', 'a block of the reserved type behind a block with BFINAL', hex('03 00 07'));
wrong('STORED_LENGTHS', 'a stored block whose lengths do not match', hex('00 05 00 fb ff 48 65 6c 6c 6f 00'));
wrong('STORED_LENGTHS', 'a stored block whose lengths are the same', hex('00 00 00 00 00 00'));

// Fixed codes.
right(
  'length 258 by its own symbol',
  fixed()
    .code(literal('a'))
    .code(FIXED_LITERALS[285] ?? '')
    .code(distance(0))
    .code(EOB)
    .end().buffer,
  text('a', 259),
);
right(
  'length 258 by the symbol for 227 to 257, and 31',
  fixed()
    .code(literal('a'))
    .code(FIXED_LITERALS[284] ?? '')
    .number(31, 5)
    .code(distance(0))
    .code(EOB)
    .end().buffer,
  text('a', 259),
);
for (const symbol of [286, 287]) {
  wrong(
    'LITERAL_SYMBOL',
    `the symbol ${symbol} of the fixed codes`,
    fixed()
      .code(FIXED_LITERALS[symbol] ?? '')
      .bytes(0, 0, 0, 0).buffer,
  );
}
for (const symbol of [30, 31]) {
  wrong(
    'DISTANCE_SYMBOL',
    `the distance symbol ${symbol} of the fixed codes`,
    fixed().code(literal('a')).code(THREE).code(distance(symbol)).bytes(0, 0, 0, 0).buffer,
  );
}
wrong('TOO_FAR', 'a match in front of all output', fixed().code(THREE).code(distance(0)).code(EOB).end().buffer);
wrong(
  'TOO_FAR',
  'a distance that is one too far',
  fixed().code(literal('a')).code(literal('b')).code(THREE).code(distance(2)).code(EOB).end().buffer,
);
right(
  'a distance to the first byte',
  fixed().code(literal('a')).code(literal('b')).code(THREE).code(distance(1)).code(EOB).end().buffer,
  text('ababa'),
);
const farthest = fixed().code(THREE).code(distance(29)).number(8191, 13).code(EOB).end().buffer;
right('the largest distance, to the first byte of the history', farthest, text('ccc'), { hex: '63', times: 32768 });
wrong('TOO_FAR', 'the largest distance, with a history that is one byte shorter', farthest, {
  hex: '63',
  times: 32767,
});

// Codes of a block's own.
const end2 = codewords(A_AND_END)[256] ?? '';
right(
  'two literals of one bit, and no distance',
  dynamic(writer(), { literals: A_AND_END, distances: [0] })
    .code('0001')
    .end().buffer,
  text('AAA'),
);
right(
  'no literal at all: the end of the block alone has a bit',
  dynamic(writer(), { literals: lengths(257, { 256: 1 }), distances: [0] })
    .code('0')
    .end().buffer,
  text(''),
);
wrong(
  'LITERAL_SYMBOL',
  'the other bit, where the end of the block alone has one',
  dynamic(writer(), { literals: lengths(257, { 256: 1 }), distances: [0] })
    .code('1')
    .end().buffer,
);
wrong(
  'LITERALS_CODE',
  'the end of the block alone, with two bits',
  dynamic(writer(), { literals: lengths(257, { 256: 2 }), distances: [0] })
    .code('00')
    .end().buffer,
);
right(
  '286 literals and lengths, 30 distances',
  dynamic(writer(), { literals: lengths(286, { 65: 1, 256: 2, 285: 2 }), distances: lengths(30, { 0: 1, 29: 1 }) })
    .code('0110')
    .code('10')
    .end().buffer,
  text('A', 259),
);
wrong(
  'TOO_MANY_SYMBOLS',
  '287 literals and lengths',
  dynamic(writer(), { literals: lengths(287, { 65: 1, 256: 1 }), distances: [0] })
    .code(end2)
    .end().buffer,
);
wrong(
  'TOO_MANY_SYMBOLS',
  '288 literals and lengths',
  dynamic(writer(), { literals: lengths(288, { 65: 1, 256: 1 }), distances: [0] })
    .code(end2)
    .end().buffer,
);
wrong(
  'TOO_MANY_SYMBOLS',
  '31 distances',
  dynamic(writer(), { literals: A_AND_END, distances: lengths(31, { 0: 1 }) })
    .code(end2)
    .end().buffer,
);
wrong(
  'TOO_MANY_SYMBOLS',
  '32 distances',
  dynamic(writer(), { literals: A_AND_END, distances: lengths(32, { 0: 1 }) })
    .code(end2)
    .end().buffer,
);
right(
  'one distance of one bit',
  dynamic(writer(), { literals: A_END_AND_THREE, distances: [1] })
    .code('0')
    .code('11')
    .code('0')
    .code('10')
    .end().buffer,
  text('AAAA'),
);
wrong(
  'DISTANCE_SYMBOL',
  'the other bit, where one distance has one',
  dynamic(writer(), { literals: A_END_AND_THREE, distances: [1] })
    .code('0')
    .code('11')
    .code('1')
    .code('10')
    .end().buffer,
);
wrong(
  'DISTANCES_CODE',
  'one distance of two bits',
  dynamic(writer(), { literals: A_END_AND_THREE, distances: [2] })
    .code('0')
    .code('11')
    .code('00')
    .code('10')
    .end().buffer,
);
wrong(
  'DISTANCES_CODE',
  'three distances of one bit',
  dynamic(writer(), { literals: A_AND_END, distances: [1, 1, 1] })
    .code(end2)
    .end().buffer,
);
wrong(
  'DISTANCES_CODE',
  'two distances of one bit and two',
  dynamic(writer(), { literals: A_AND_END, distances: [1, 2] })
    .code(end2)
    .end().buffer,
);
wrong(
  'DISTANCE_SYMBOL',
  'a match in a block without distances',
  dynamic(writer(), { literals: A_END_AND_THREE, distances: [0] })
    .code('0')
    .code('11')
    .code('0')
    .code('10')
    .end().buffer,
);
wrong(
  'NO_END',
  'the end of the block has no codeword',
  dynamic(writer(), { literals: lengths(257, { 65: 1, 66: 1 }), distances: [0] })
    .code('0')
    .end().buffer,
);
wrong(
  'LITERALS_CODE',
  'three literals of one bit',
  dynamic(writer(), { literals: lengths(257, { 65: 1, 66: 1, 256: 1 }), distances: [0] })
    .code('0')
    .end().buffer,
);
wrong(
  'LITERALS_CODE',
  'literals that leave codewords over',
  dynamic(writer(), { literals: lengths(257, { 65: 1, 66: 3, 256: 3 }), distances: [0] })
    .code('0')
    .end().buffer,
);
wrong(
  'LITERALS_CODE',
  'codewords of 15 bits that leave one over',
  dynamic(writer(), { literals: lengths(257, { ...steps(14), 256: 15 }), distances: [0] })
    .code('0')
    .end().buffer,
);
const deep = lengths(258, { ...steps(13), 200: 15, 201: 15, 256: 15, 257: 15 });
const deepWords = codewords(deep);
right(
  'codewords of 1 to 15 bits, also of distances',
  dynamic(writer(), { literals: deep, distances: [15, ...Array.from({ length: 15 }, (_, i) => 15 - i)] })
    .code(Array.from({ length: 13 }, (_, i) => deepWords[i]).join(''))
    .code(`${deepWords[200]}${deepWords[201]}${deepWords[200]}`)
    .code(deepWords[257] ?? '')
    .code('111111111111110')
    .code(deepWords[256] ?? '')
    .end().buffer,
  text('\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\xc8\xc9\xc8\xc8\xc8\xc8'),
);

// The code for the lengths of codewords.
wrong(
  'LENGTHS_CODE',
  'two lengths of one bit and two',
  dynamic(writer(), { literals: A_AND_END, distances: [0], code: lengths(19, { 0: 1, 1: 2 }) }).end().buffer,
);
wrong(
  'LENGTHS_CODE',
  'one length alone, of one bit',
  dynamic(writer(), { literals: A_AND_END, distances: [0], code: lengths(19, { 0: 1 }) }).end().buffer,
);
wrong(
  'LENGTHS_CODE',
  'three lengths of one bit',
  dynamic(writer(), { literals: A_AND_END, distances: [0], code: lengths(19, { 0: 1, 1: 1, 2: 1 }) }).end().buffer,
);
wrong(
  'NO_END',
  'no length has a codeword',
  dynamic(writer(), { literals: A_AND_END, distances: [0], code: lengths(19, {}) }).bytes(...Array(40).fill(0)).buffer,
);
const RUNS = lengths(19, { 0: 3, 1: 2, 2: 3, 16: 3, 17: 3, 18: 2 });
wrong(
  'LENGTHS_REPEAT',
  'the length before is repeated, and there is none',
  dynamic(writer(), { literals: A_AND_END, distances: [0], code: RUNS, sent: [[16, 0]] }).bytes(0, 0, 0, 0).buffer,
);
wrong(
  'LENGTHS_REPEAT',
  'zeros are repeated beyond the last length',
  dynamic(writer(), {
    literals: A_AND_END,
    distances: [0],
    code: RUNS,
    sent: [
      [18, 127],
      [18, 127],
    ],
  }).bytes(0, 0, 0, 0).buffer,
);
wrong(
  'LENGTHS_REPEAT',
  'a length is repeated one beyond the last',
  dynamic(writer(), {
    literals: A_AND_END,
    distances: [0],
    code: RUNS,
    sent: [[18, 127], [18, 105], 1, 1, [16, 0]],
  }).bytes(0, 0, 0, 0).buffer,
);
right(
  'a repeat that begins with literals and ends with distances',
  dynamic(writer(), {
    literals: A_END_AND_THREE,
    distances: [2, 2, 2, 2],
    code: RUNS,
    sent: [[18, 54], 1, [18, 127], [18, 41], 2, [16, 2]],
  })
    .code('0')
    .code('11')
    .code('00')
    .code('10')
    .end().buffer,
  text('AAAA'),
);
right(
  'a block with codes of its own and BFINAL, and one without behind it',
  writer().bytes(
    ...dynamic(writer(), { isLast: true, literals: A_AND_END, distances: [0] }).code('001').buffer,
    ...dynamic(writer(), { literals: A_AND_END, distances: [0] })
      .code('001')
      .end().buffer,
  ).buffer,
  text('AAAA'),
);

// How much becomes of how little.
const bomb = fixed().code(literal('a'));
for (let i = 0; i < 500; i++) bomb.code(FIXED_LITERALS[285] ?? '').code(distance(0));
right('one byte and 500 matches of 258', bomb.code(EOB).end().buffer, text('a', 1 + 500 * 258));
right(
  'a thousand empty stored blocks',
  Buffer.concat([...Array(1000).fill(hex('00 00 00 ff ff')), hex('00')]),
  text(''),
);

/** Symbols 0, 1, … with codewords of 1, 2, … bits. */
function steps(most: number): Record<number, number> {
  return Object.fromEntries(Array.from({ length: most }, (_, i) => [i, i + 1]));
}

export const ODD_STREAMS: readonly OddStream[] = STREAMS;

export function bytesOf({ hex, times }: Repeated): Buffer {
  return Buffer.concat(Array(times).fill(Buffer.from(hex, 'hex')));
}

/** The corpus as it is published. */
export function corpusText(): string {
  const streams = ODD_STREAMS.map(({ name, message, ...rest }) => ({
    name,
    message: message.toString('hex'),
    ...rest,
  }));
  return `${JSON.stringify(streams, undefined, 2)}\n`;
}
