import { isUtf8 } from 'node:buffer';
import { ALL_WORK, InflateResult } from '../../dist/kernels/inflater.js';
import { NativeInflater } from '../../dist/kernels/native-inflater.js';
import type { DeflateDirection } from '../../dist/protocol/deflate/agreement.js';
import { type Decompress, decode, type Verdict, Violation } from '../conformance/reference-decoder.js';
import type { Setting } from './input.js';

/**
 * The events that a server must get from a stream. With `readsOnAfterClose`: the events of its framing loop, which does not look
 * into Close frames.
 */
export function expected(stream: Uint8Array, setting: Setting): Verdict {
  const { deflate, maxPayloadBytes, maxEmptyFragments } = setting;
  const decompress = deflate && decompressor(deflate, maxPayloadBytes);
  const verdict = decode(stream, maxPayloadBytes, maxEmptyFragments, decompress);
  const close = verdict.events.findIndex((event) => event.startsWith('close: '));
  if (close < 0 || setting.readsOnAfterClose) return verdict;
  const payload = Buffer.from((verdict.events[close] as string).slice('close: '.length), 'hex');
  return { events: verdict.events.slice(0, close + 1), closeCode: judgeClose(payload), knownAfter: undefined };
}

/** RFC 6455 sections 5.5.1 and 7.4. */
function judgeClose(payload: Buffer): number | undefined {
  if (payload.length === 0) return undefined;
  if (payload.length === 1) return 1002;
  const code = payload.readUInt16BE(0);
  const registered = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
  if (!registered.includes(code) && !(code >= 3000 && code <= 4999)) return 1002;
  return isUtf8(payload.subarray(2)) ? undefined : 1007;
}

/** More than any message of an input becomes, in bytes. */
const MOST_BYTES = 16 * 1024 * 1024;
const INPUT = 1024;
const OUTPUT = 4 * 1024 * 1024;

const memory = new WebAssembly.Memory({
  initial: (OUTPUT + MOST_BYTES) / 65536,
  maximum: (OUTPUT + MOST_BYTES) / 65536,
});
const bytes = Buffer.from(memory.buffer);
const byZlib = new NativeInflater(memory);

/** RFC 7692 section 7.2.2, by zlib, each message as a whole. */
function decompressor({ windowBits, contextTakeover }: DeflateDirection, maxPayloadBytes: number): Decompress {
  let history: Buffer = Buffer.alloc(0);
  return (message, isText) => {
    bytes.set(message, INPUT);
    bytes.set(history, OUTPUT - history.length);
    const end = OUTPUT + MOST_BYTES;
    const result = byZlib.inflate(INPUT, message.length, OUTPUT, history.length, end, ALL_WORK);
    // A corrupt message may have become too long before it is corrupt.
    if (result !== InflateResult.DONE) throw new Violation(1007, 1009);
    const inflated = Buffer.from(bytes.subarray(OUTPUT, OUTPUT + byZlib.written));
    if (inflated.length > maxPayloadBytes) throw new Violation(1009, isText ? 1007 : undefined);
    if (isText && !isUtf8(inflated)) throw new Violation(1007);
    if (contextTakeover) history = Buffer.concat([history, inflated]).subarray(-(2 ** Math.max(9, windowBits)));
    return inflated;
  };
}
