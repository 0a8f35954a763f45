import { expect, it } from 'vitest';
import { LoadFrames, READ_BYTES } from '../../dist/load/frames.js';

const OPTIONS = { payload: Buffer.from('payload'), isBinary: false, inFlight: 2 };

it('without compression the answer that is expected is known at once, and longer than a read', () => {
  const { expected, expectedBytes } = new LoadFrames(OPTIONS);
  expect(expectedBytes).toBe(9);
  expect(String(expected?.subarray(0, 18))).toBe('\ufffd\x07payload'.repeat(2));
  expect(expected).toHaveLength(READ_BYTES + 9);
});

it('with compression the first answer is expected from then on: a read may already be compared with it', () => {
  const frames = new LoadFrames(OPTIONS, { compressed: Buffer.from('small') });
  expect([frames.expected, frames.expectedBytes]).toEqual([undefined, 0]);
  expect([frames.batch[0], frames.sentBytes, frames.sentPayloadBytes]).toEqual([0xc1, 11, 5]);
  frames.expect(Buffer.from('abc'), true);
  frames.expect(Buffer.from('another'), false);
  expect(frames.expected?.subarray(0, 5)).toEqual(Buffer.from([0xc1, 3, 97, 98, 99]));
  expect(frames.expectedBytes).toBe(5);
});

it('a message that does not get smaller is sent as it is, and its answer is not known', () => {
  const frames = new LoadFrames(OPTIONS, { compressed: undefined });
  expect([frames.batch[0], frames.sentPayloadBytes, frames.expected]).toEqual([0x81, 7, undefined]);
});
