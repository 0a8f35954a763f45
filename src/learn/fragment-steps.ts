import type { DissectedFrame } from '../anatomy/dissected-frame.js';
import { summarizeMessage } from '../anatomy/explain-frame.js';
import { FrameDissector } from '../anatomy/frame-dissector.js';
import { hexOf } from '../anatomy/hex.js';
import { makeFrame } from '../anatomy/make-frame.js';
import { textOf } from '../anatomy/payload-in-words.js';
import { Opcode } from '../protocol/opcode.js';

/** What a receiver has, and does, when a frame has come (RFC 6455 section 5.4). */
export interface FragmentStep {
  /** All bytes of the frame, as they were sent. */
  readonly bytes: string;
  /** What it is, such as `TEXT, FIN 0`. */
  readonly frame: string;
  /** The payload, unmasked, in hexadecimal. */
  readonly payload: string;
  /** What the receiver does with it. */
  readonly does: string;
  /** What has come of the message, as text. A character whose bytes have not all come is left out. */
  readonly soFar: string;
}

/** How the text is cut. */
export interface Fragmentation {
  /** How many fragments there are: 1 at least. Those at the end may be empty. */
  readonly count: number;
  /** The payload of a Ping behind the first fragment; undefined: there is no Ping. */
  readonly ping: string | undefined;
  /** Masks a frame; called once for each. */
  readonly newKey: () => Uint8Array;
}

const NAMES: Readonly<Record<number, string>> = { 0: 'CONTINUATION', 1: 'TEXT', 9: 'PING' };

/**
 * Cuts a text into fragments, as a client sends them, and puts them together again. It is cut at bytes, and not at characters: a fragment may end
 * in the middle of one.
 */
export function fragmentSteps(text: string, fragmentation: Fragmentation): readonly FragmentStep[] {
  const dissector = new FrameDissector({ from: 'client', keptBytes: Number.MAX_SAFE_INTEGER });
  let soFar = new Uint8Array(0);
  return framesOf(new TextEncoder().encode(text), fragmentation).map((bytes) => {
    const [frame] = dissector.feed(bytes) as [DissectedFrame]; // what is fed is one whole frame
    const isControl = frame.contents === 'control';
    if (!isControl) soFar = Uint8Array.of(...soFar, ...frame.payload);
    const isOpen = frame.message === undefined && !isControl;
    return {
      ...{ bytes: hexOf(bytes, ' '), frame: nameOf(frame), payload: hexOf(frame.payload, ' ') },
      ...{ does: doneWith(frame), soFar: textOf(soFar, isOpen || dissector.isMidMessage) },
    };
  });
}

function framesOf(payload: Uint8Array, { count, ping, newKey }: Fragmentation): Uint8Array[] {
  const length = Math.ceil(payload.length / count);
  const frames = Array.from({ length: count }, (_, i) =>
    makeFrame({
      opcode: i === 0 ? Opcode.TEXT : Opcode.CONTINUATION,
      isFinal: i === count - 1,
      key: newKey(),
      payload: payload.subarray(i * length, (i + 1) * length),
    }),
  );
  if (ping === undefined) return frames;
  const between = makeFrame({ opcode: Opcode.PING, key: newKey(), payload: new TextEncoder().encode(ping) });
  return [...frames.slice(0, 1), between, ...frames.slice(1)];
}

function nameOf({ header }: DissectedFrame): string {
  const first = header[0] as number; // a header has two bytes at least
  return `${NAMES[first & 0x0f]}, FIN ${first >>> 7}`;
}

function doneWith(frame: DissectedFrame): string {
  if (frame.contents === 'control') {
    return 'A Ping is answered at once with a Pong that has the same payload. The message waits: a Ping is no part of it.';
  }
  if (frame.message !== undefined) return `FIN is 1: the message is whole. It is a ${summarizeMessage(frame.message)}`;
  return 'FIN is 0: more of the message follows. This part is unmasked and kept, and nothing is reported yet.';
}
