import { maskedCopy } from '../protocol/client-frame.js';
import { type DissectedFrame, maskingKeyOf } from './dissected-frame.js';
import { type FrameField, fieldsOf } from './frame-fields.js';
import { hexOf } from './hex.js';
import { bytesInWords } from './payload-in-words.js';

/*
 * The drawing of RFC 6455 section 5.2, with the bits of a frame in it. A row has 32 bits, and each bit has two columns: its own, and the
 * border in front of it.
 */

const ROW_BITS = 32;
const WIDTH = 2 * ROW_BITS + 1;

/** The numbers of the bits, as the RFC has them. */
const RULER = [
  ' 0                   1                   2                   3',
  ` ${Array.from({ length: ROW_BITS }, (_, bit) => bit % 10).join(' ')}`,
];

/** How the RFC writes the names of the fields that are narrow; from top to bottom. */
const NARROW: Readonly<Record<string, readonly string[]>> = {
  FIN: ['F', 'I', 'N', ''],
  RSV1: ['R', 'S', 'V', '1'],
  RSV2: ['R', 'S', 'V', '2'],
  RSV3: ['R', 'S', 'V', '3'],
  opcode: ['opcode', '(4)'],
  MASK: ['M', 'A', 'S', 'K'],
  'Payload len': ['Payload len', '(7)'],
};

/** The part of a field that is in one row. */
interface Cell {
  readonly field: FrameField;
  /** Its first bit and the bit behind it, in the frame. */
  readonly from: number;
  readonly end: number;
}

/**
 * Draws a frame as RFC 6455 section 5.2 draws frames, with its bits, and its bytes in hexadecimal. Of the payload that is drawn which the
 * frame has kept, as it was sent. To the right of the payload stands what it says: as ASCII, and unmasked if it is masked.
 * @returns lines of at most 78 columns, without a line break at the end.
 */
export function drawFrame(frame: DissectedFrame): string {
  const bytes = sentBytes(frame);
  const fields = fieldsOf(frame);
  const lines = [...RULER];
  let above: readonly Cell[] = [];
  for (let at = 0; at < bytes.length * 8; at += ROW_BITS) {
    const row = cellsOf(fields, at, Math.min(at + ROW_BITS, bytes.length * 8));
    const isMoreOfPayload = row[0]?.field.name === 'Payload Data' && row[0].field === above[0]?.field;
    if (!isMoreOfPayload) {
      lines.push(borderBetween(above, row), ...(at === 0 ? headingLines(row) : [labelLine(row)]));
    }
    const [ascii, unmasked] = marginOf(row, frame);
    lines.push(beside(bitLine(row, bytes), ascii), beside(hexLine(row, bytes), unmasked));
    above = row;
  }
  return [...lines, ...endOf(above, frame)].join('\n');
}

/** The bytes of a frame as they were sent: those that were kept. */
function sentBytes(frame: DissectedFrame): Uint8Array {
  const { header, payload } = frame;
  const key = maskingKeyOf(frame);
  const bytes = new Uint8Array(header.length + payload.length);
  bytes.set(header);
  bytes.set(key === undefined ? payload : maskedCopy(payload, key, 0), header.length);
  return bytes;
}

/** The parts of the fields that are in a row, without gaps between them. */
function cellsOf(fields: readonly FrameField[], from: number, end: number): Cell[] {
  return fields
    .map((field) => ({ field, from: Math.max(from, field.at), end: Math.min(end, field.at + field.bits) }))
    .filter((cell) => cell.from < cell.end);
}

/** The border of two rows. Where a field goes on from one to the other, it is open. */
function borderBetween(above: readonly Cell[], below: readonly Cell[]): string {
  const cellAt = (row: readonly Cell[], bit: number) =>
    row.find(({ from, end }) => bit >= from % ROW_BITS && bit < (from % ROW_BITS) + end - from);
  const width = Math.max(widthOf(above), widthOf(below));
  let line = '';
  for (let bit = 0; bit <= width; bit++) {
    const isCorner = [above, below].some(
      (row) => row.length > 0 && (bit === widthOf(row) || row.some(({ from }) => from % ROW_BITS === bit)),
    );
    line += isCorner ? '+' : '-';
    if (bit === width) break;
    const field = cellAt(above, bit)?.field;
    line += field !== undefined && field === cellAt(below, bit)?.field ? ' ' : '-';
  }
  return line;
}

/** How many bits a row has. */
function widthOf(row: readonly Cell[]): number {
  return row.reduce((bits, { from, end }) => bits + end - from, 0);
}

/** The names of the fields of the first row, four lines high. */
function headingLines(row: readonly Cell[]): string[] {
  return [0, 1, 2, 3].map((line) =>
    inCells(row, ({ field, from, end }) => {
      const { name, bits } = field;
      const label = NARROW[name] ?? [name, name === 'Payload Data' ? '' : `(${bits})`];
      return centred(label[line] ?? '', end - from);
    }),
  );
}

/** The names of the fields of another row. */
function labelLine(row: readonly Cell[]): string {
  return inCells(row, ({ field, from, end }) => {
    const { name, at } = field;
    const whole = at === from ? name : `${name} (continued)`;
    return centred(whole.length < 2 * (end - from) ? whole : 'continued', end - from);
  });
}

function bitLine(row: readonly Cell[], bytes: Uint8Array): string {
  return inCells(row, ({ from, end }) =>
    Array.from({ length: end - from }, (_, i) => {
      const bit = from + i;
      return ((bytes[bit >>> 3] as number) >>> (7 - (bit & 7))) & 1; // the row ends with the bytes
    }).join(' '),
  );
}

/** The bytes of a row in hexadecimal; of what is narrower, the value as a number. */
function hexLine(row: readonly Cell[], bytes: Uint8Array): string {
  return inCells(row, ({ field, from, end }) => {
    const bits = end - from;
    if (field.bits === 1) return ' ';
    const number = Number.parseInt(field.value, 2);
    if (field.bits < 8) return centred(field.name === 'opcode' ? `0x${number.toString(16)}` : String(number), bits);
    return centred(hexOf(bytes.subarray(from >>> 3, end >>> 3), ' '), bits);
  });
}

function inCells(row: readonly Cell[], textOf: (cell: Cell) => string): string {
  return `|${row.map(textOf).join('|')}|`;
}

/** Text in the middle of as many bits. */
function centred(text: string, bits: number): string {
  const width = 2 * bits - 1;
  return text.padStart(Math.floor((width + text.length) / 2)).padEnd(width);
}

/** What stands to the right of a row: its payload as ASCII, and in hexadecimal if it was masked. */
function marginOf(row: readonly Cell[], frame: DissectedFrame): [ascii: string, unmasked: string] {
  const cell = row.find(({ field }) => field.name === 'Payload Data');
  if (cell === undefined) return ['', ''];
  const from = (cell.from >>> 3) - frame.header.length;
  const payload = frame.payload.subarray(from, from + ((cell.end - cell.from) >>> 3));
  const ascii = Array.from(payload, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
  return [ascii, maskingKeyOf(frame) === undefined ? '' : hexOf(payload, ' ')];
}

function beside(line: string, margin: string): string {
  return margin === '' ? line : `${line.padEnd(WIDTH)}  ${margin}`;
}

/** The border below the last row, and what is not drawn. */
function endOf(last: readonly Cell[], { payload, payloadBytes, declaredBytes }: DissectedFrame): string[] {
  const hidden = payloadBytes - payload.length;
  const border = borderBetween(last, []);
  const open = `+${' -'.repeat(ROW_BITS - 1)} +`;
  if (hidden > 0) return [noteLine(`${bytesInWords(hidden)} more`), ...cutOffLines(payloadBytes, declaredBytes), open];
  return payloadBytes === declaredBytes ? [border] : [border, ...cutOffLines(payloadBytes, declaredBytes), open];
}

function cutOffLines(payloadBytes: number, declaredBytes: number | undefined): string[] {
  if (payloadBytes === declaredBytes) return [];
  if (declaredBytes === undefined) return [noteLine('the header is cut off')];
  return [noteLine(`the payload is cut off: ${bytesInWords(declaredBytes - payloadBytes)} missing`)];
}

function noteLine(text: string): string {
  return `:${centred(text, ROW_BITS)}:`;
}
