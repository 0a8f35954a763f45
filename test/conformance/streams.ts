/** Arbitraries for fast-check: valid streams of clients, streams with small faults, and sizes of reads. */
import fc from 'fast-check';
import {
  BINARY,
  bytesOf,
  CLOSE,
  CONTINUATION,
  frame,
  headerWithoutKey,
  longText,
  noise,
  PING,
  PONG,
  TEXT,
} from '../protocol/client-frames.js';
import { type EventName, event } from '../protocol/receiver.js';

export interface Conversation {
  readonly stream: Buffer;
  readonly events: readonly string[];
}

const key = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });

const CONTROLS: readonly (readonly [number, EventName])[] = [
  [PING, 'ping'],
  [PONG, 'pong'],
  [CLOSE, 'close'],
];

const controlFrame: fc.Arbitrary<Conversation> = fc
  .tuple(fc.constantFrom(...CONTROLS), fc.uint8Array({ maxLength: 125 }), key)
  .map(([[opcode, name], payload, key]) => ({
    stream: frame({ opcode, payload, key }),
    events: [event(name, payload)],
  }));

/** Where the encodings of lengths, the capacities of slabs and the thresholds of kernels change. */
const edges = fc.constantFrom(63, 64, 65, 125, 126, 127, 128, 1024, 3072, 16_384, 65_535, 65_536, 65_537);

function payloadOf(isText: boolean, maxBytes: number): fc.Arbitrary<Uint8Array> {
  const seed = fc.integer({ min: 1, max: 1_000_000 });
  const short = isText ? fc.string({ unit: 'binary', maxLength: 40 }).map(bytesOf) : fc.uint8Array({ maxLength: 100 });
  const length = fc.oneof(edges, fc.nat(maxBytes)).map((length) => Math.min(length, maxBytes));
  const long = fc.tuple(length, seed).map(([length, seed]) => (isText ? longText : noise)(length, seed));
  return fc.oneof({ weight: 3, arbitrary: short }, { weight: 1, arbitrary: long });
}

/** A message in any number of fragments, some of them empty, with control frames between them. */
function message(maxBytes: number): fc.Arbitrary<Conversation> {
  return fc.boolean().chain((isText) => {
    const between = fc.array(controlFrame, { maxLength: 2 });
    const cut = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), key, before: between });
    return fc
      .tuple(payloadOf(isText, maxBytes), key, fc.array(cut, { maxLength: 4 }))
      .map(([payload, firstKey, cuts]) => fragmented(isText, payload, firstKey, cuts));
  });
}

interface Cut {
  /** The place of a cut, as a fraction of the payload. */
  readonly at: number;
  readonly key: readonly number[];
  readonly before: readonly Conversation[];
}

function fragmented(isText: boolean, payload: Uint8Array, firstKey: readonly number[], cuts: readonly Cut[]) {
  const sorted = [...cuts].sort((a, b) => a.at - b.at);
  const bounds = [0, ...sorted.map(({ at }) => Math.floor(at * payload.length)), payload.length];
  const parts: Buffer[] = [];
  const events: string[] = [];
  for (const [i, start] of bounds.slice(0, -1).entries()) {
    const cut = sorted[i - 1];
    for (const control of cut?.before ?? []) {
      parts.push(control.stream);
      events.push(...control.events);
    }
    parts.push(
      frame({
        opcode: i > 0 ? CONTINUATION : isText ? TEXT : BINARY,
        fin: i === sorted.length,
        key: cut?.key ?? firstKey,
        payload: payload.subarray(start, bounds[i + 1]),
      }),
    );
  }
  events.push(event(isText ? 'text' : 'binary', payload));
  return { stream: Buffer.concat(parts), events };
}

/** A valid stream of a client: messages and control frames, and the events that they must give. */
export function conversations(maxMessageBytes: number): fc.Arbitrary<Conversation> {
  const parts = fc.array(
    fc.oneof({ weight: 3, arbitrary: message(maxMessageBytes) }, { weight: 1, arbitrary: controlFrame }),
    { maxLength: 6 },
  );
  return parts.map((all) => ({
    stream: Buffer.concat(all.map(({ stream }) => stream)),
    events: all.flatMap(({ events }) => events),
  }));
}

/** Sizes of reads, to be used in turn. */
export function readSizes(maxBytes: number): fc.Arbitrary<number[]> {
  const size = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: maxBytes }));
  return fc.array(size, { minLength: 1, maxLength: 6 });
}

/** A valid stream of a client with some bytes changed, and maybe without its end. */
export function damagedConversations(maxMessageBytes: number): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255));
  return fc
    .tuple(conversations(maxMessageBytes), fc.array(change, { maxLength: 3 }), fc.nat(10))
    .map(([{ stream }, changes, missing]) => {
      const damaged = Buffer.from(stream);
      for (const [where, byte] of changes) damaged[Math.floor(where * damaged.length)] = byte;
      return damaged.subarray(0, Math.max(0, damaged.length - missing));
    });
}

/** Frames whose parts are mostly right: opcode, FIN, reserved bits, mask, encoding of the length. */
export function nearlyFrames(): fc.Arbitrary<Buffer> {
  const mostly = <T>(usual: fc.Arbitrary<T>, seldom: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: seldom });
  const characters = fc.constantFrom(
    ...['a', '\u00e9', '\u20ac', '\u{1f600}'].map((text) => Buffer.from(text)),
    ...[[0xc3], [0xe2, 0x82], [0x82], [0xf0, 0x9f], [0x98, 0x80], [0xff], [0xed, 0xa0]].map((cut) => Buffer.from(cut)),
  );
  const payload = fc.array(characters, { maxLength: 4 }).map((parts) => Buffer.concat(parts));
  const nearlyFrame = fc
    .record({
      opcode: mostly(fc.constantFrom(TEXT, BINARY, CONTINUATION, CONTINUATION, PING, PONG, CLOSE), fc.nat(15)),
      fin: fc.boolean(),
      rsv: mostly(fc.constant(0), fc.nat(7)),
      key: mostly(key, fc.constant(null)),
      lengthBits: mostly(fc.constant(undefined), fc.constantFrom<(16 | 64)[]>(16, 64)),
      declaredLength: mostly(fc.constant(undefined), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
      payload,
    })
    .map(({ lengthBits, declaredLength, ...parts }) => {
      // Most control frames are not fragmented.
      const fin = parts.opcode >= CLOSE ? parts.rsv === 0 : parts.fin;
      if (declaredLength !== undefined) return headerWithoutKey({ ...parts, fin, declaredLength });
      return frame({ ...parts, fin, ...(lengthBits && { lengthBits }) });
    });
  return fc.array(nearlyFrame, { maxLength: 12 }).map((frames) => Buffer.concat(frames));
}
