import { describeHeader } from '../protocol/frame-headers.js';
import { printableJson } from '../telemetry/printable.js';
import type { BrokenRule } from './broken-rule.js';
import { closeCodeMeaning, closeCodeName } from './close-codes.js';
import type { DissectedClose, DissectedFrame, DissectedMessage } from './dissected-frame.js';
import { fieldsOf } from './frame-fields.js';
import { hexOf } from './hex.js';
import { bytesInWords, payloadInWords } from './payload-in-words.js';

/** A frame on one line: `81 85 37fa213d: FIN TEXT, 5 bytes, masked`. */
export function summarizeFrame({ header, declaredBytes }: DissectedFrame): string {
  return declaredBytes === undefined ? `${hexOf(header, ' ')}: a header that is cut off` : describeHeader(header);
}

/**
 * Says what each field of a frame means, and which rules the frame breaks.
 * @returns lines, without a line break at the end. Nothing that the peer has chosen can be obeyed by a terminal.
 */
export function explainFrame(frame: DissectedFrame): string {
  const rows = fieldsOf(frame).map(({ name, value, meaning }): readonly string[] => [name, value, meaning]);
  if (frame.close !== undefined) rows.push(...closeRows(frame.close));
  return [inColumns(rows), ...(frame.broken.length > 0 ? ['', ...frame.broken.map(explainBroken)] : [])].join('\n');
}

function closeRows({ code, reason }: DissectedClose): string[][] {
  const name = closeCodeName(code);
  return [
    ['  close code', String(code), `${name === undefined ? '' : `${name}: `}${closeCodeMeaning(code)}.`],
    ['  reason', '', reason === '' ? 'none' : printableJson(reason)],
  ];
}

function explainBroken({ found, demand, closeCode }: BrokenRule): string {
  const answer = closeCode === undefined ? '' : ` It is answered with ${closeCode} ${closeCodeName(closeCode)}.`;
  return `Broken rule: ${found}\n  ${demand}${answer}`;
}

/** A message that is whole, on one line: `text message of 2 frames: "Hello"`. */
export function summarizeMessage({ contents, frames, bytes, compressedBytes, payload }: DissectedMessage): string {
  const kind = contents === 'unknown' ? '' : `${contents} `;
  const inflated = compressedBytes === undefined ? '' : `, ${bytesInWords(compressedBytes)} decompressed to ${bytes}`;
  const counted = frames === 1 ? '1 frame' : `${frames} frames`;
  return `${kind}message of ${counted}${inflated}: ${payloadInWords(payload, bytes, contents)}`;
}

function inColumns(rows: readonly (readonly string[])[]): string {
  const widthOf = (column: number) => Math.max(...rows.map((row) => (row[column] ?? '').length));
  const [first, second] = [widthOf(0), widthOf(1)];
  return rows.map(([a = '', b = '', c = '']) => `${a.padEnd(first)}  ${b.padEnd(second)}  ${c}`.trimEnd()).join('\n');
}
