import type { Side } from '../anatomy/frame-judge.js';
import { makeFrame } from '../anatomy/make-frame.js';
import { joinCloseStatus } from '../protocol/close-payload.js';
import { Opcode, RSV1 } from '../protocol/opcode.js';

/** What one side sends to the other, right or wrong. */
export interface Lesson {
  readonly name: string;
  readonly from: Side;
  readonly bytes: Uint8Array;
}

/** The key of the example in RFC 6455 section 5.7. A client takes a random one; here each run is to have the same bytes. */
const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** The longest message that a side of a {@link Conversation} takes, in bytes. */
export const MAX_MESSAGE_BYTES = 200;

const ascii = (text: string) => new TextEncoder().encode(text);
const closing = (code: number) => joinCloseStatus(code, new Uint8Array(0));
const byClient = (opcode: number, payload: Uint8Array, more: object = {}) =>
  makeFrame({ opcode, payload, key: KEY, ...more });
const byServer = (opcode: number, payload: Uint8Array, more: object = {}) => makeFrame({ opcode, payload, ...more });
const joined = (...frames: readonly Uint8Array[]) => Uint8Array.from(frames.flatMap((frame) => [...frame]));

/** What can be tried, what is right first. */
export const LESSONS: readonly Lesson[] = [
  { name: 'nothing wrong: a text, and then a Close', from: 'client', bytes: goodbye() },
  { name: 'nothing wrong: a Ping between two fragments', from: 'client', bytes: interrupted() },
  ...wrong('client', [
    ['a reserved bit is set', byClient(Opcode.TEXT, ascii('Hello'), { rsv: RSV1 })],
    ['a reserved opcode', byClient(0x3, ascii('Hello'))],
    ['a frame without a mask', byServer(Opcode.TEXT, ascii('Hello'))],
    ['a length that is not in the shortest form', byClient(Opcode.TEXT, ascii('Hello'), { lengthBits: 16 })],
    ['a Ping that is a fragment', byClient(Opcode.PING, ascii('?'), { isFinal: false })],
    ['a Ping of 126 bytes', byClient(Opcode.PING, new Uint8Array(126))],
    ['a continuation of nothing', byClient(Opcode.CONTINUATION, ascii('lo'))],
    ['a new message between two fragments', byClient(Opcode.TEXT, ascii('Hel'), { isFinal: false }), true],
    ['a text that is not UTF-8', byClient(Opcode.TEXT, Uint8Array.of(0x48, 0xc3, 0x28, 0x21))],
    ['a message above the limit of the server', byClient(Opcode.BINARY, new Uint8Array(MAX_MESSAGE_BYTES + 1))],
    ['a Close with half a code', byClient(Opcode.CLOSE, Uint8Array.of(3))],
    ['a Close with a code that is never sent', byClient(Opcode.CLOSE, closing(1005))],
  ]),
  ...wrong('server', [
    ['a frame with a mask', byClient(Opcode.TEXT, ascii('Hello'))],
    ['a reserved opcode', byServer(0xb, ascii('Hello'))],
    ['a text that is not UTF-8', byServer(Opcode.TEXT, Uint8Array.of(0x48, 0xff))],
  ]),
];

type Wrong = readonly [name: string, bytes: Uint8Array, isTwice?: boolean];

function wrong(from: Side, offences: readonly Wrong[]): Lesson[] {
  return offences.map(([name, bytes, isTwice = false]) => {
    return { name: `${from}: ${name}`, from, bytes: isTwice ? joined(bytes, bytes) : bytes };
  });
}

function goodbye(): Uint8Array {
  return joined(byClient(Opcode.TEXT, ascii('Hello')), byClient(Opcode.CLOSE, closing(1000)));
}

function interrupted(): Uint8Array {
  return joined(
    byClient(Opcode.TEXT, ascii('Hel'), { isFinal: false }),
    byClient(Opcode.PING, ascii('?')),
    byClient(Opcode.CONTINUATION, ascii('lo')),
  );
}
