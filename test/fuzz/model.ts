import { isUtf8 } from 'node:buffer';
import { decode, type Verdict } from '../conformance/reference-decoder.js';
import type { Setting } from './input.js';

/**
 * The events that a server must get from a stream. With `readsOnAfterClose`: the events of its framing loop, which does not look
 * into Close frames.
 */
export function expected(stream: Uint8Array, setting: Setting): Verdict {
  const verdict = decode(stream, setting.maxPayloadBytes, setting.maxEmptyFragments);
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
