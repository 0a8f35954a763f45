import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  FLEET_HEADER_BYTES,
  FleetIdentity,
  originName,
  readFleetMessage,
  writeFleetHeader,
} from '../../dist/fleet/fleet-message.js';

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const header = fc.record({
  serial: fc.maxSafeNat(),
  timestamp: fc.double(),
  mayCompress: fc.boolean(),
  messages: uint32,
  piece: uint32,
  pieces: uint32,
  totalBytes: fc.maxSafeNat(),
});

test('what is written is read, wherever it lies', () => {
  fc.assert(
    fc.property(
      header,
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array(),
      fc.nat(9),
      (about, origin, frames, at) => {
        const memory = Buffer.alloc(at + FLEET_HEADER_BYTES + frames.length, 0xee);
        const message = memory.subarray(at);
        writeFleetHeader(message, origin, about);
        message.set(frames, FLEET_HEADER_BYTES);
        const bytes = new Uint8Array(memory.buffer, memory.byteOffset + at, message.length);
        expect(readFleetMessage(bytes)).toEqual({ ...about, origin: originName(origin), frames: Buffer.from(frames) });
      },
    ),
  );
});

test('the bytes are those of the table', () => {
  const bytes = Buffer.alloc(FLEET_HEADER_BYTES, 0xee);
  const origin = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
  const about = {
    serial: 2 ** 32 + 5,
    timestamp: 1,
    messages: 6,
    piece: 7,
    pieces: 8,
    totalBytes: 2 ** 33 + 9,
    mayCompress: true,
  };
  writeFleetHeader(bytes, origin, about);
  expect(bytes.toString('hex')).toBe(
    `574c0100${origin.toString('hex')}00000001000000053ff00000000000000000000600000007000000080000000200000009`,
  );
});

test('bytes that do not begin as a message of the fleet are not read', () => {
  const bytes = Buffer.alloc(FLEET_HEADER_BYTES);
  writeFleetHeader(bytes, new Uint8Array(16), {
    serial: 0,
    timestamp: 0,
    mayCompress: true,
    messages: 1,
    piece: 0,
    pieces: 1,
    totalBytes: 0,
  });
  expect(readFleetMessage(bytes)).toBeTypeOf('object');
  for (let length = 0; length < FLEET_HEADER_BYTES; length++) {
    expect(readFleetMessage(bytes.subarray(0, length))).toBe('not ours');
  }
  const changed = (at: number) => readFleetMessage(bytes.map((byte, i) => (i === at ? byte + 2 : byte)));
  expect([0, 1, 2, 3].map(changed)).toEqual(['not ours', 'not ours', 'version', 'version']);
});

test('each server has an origin of its own, and counts its serials', () => {
  const [one, other] = [new FleetIdentity(), new FleetIdentity()];
  expect(one.origin).toHaveLength(16);
  expect(originName(one.origin)).not.toBe(originName(other.origin));
  expect([one.nextSerial(), one.nextSerial(), other.nextSerial()]).toEqual([0, 1, 0]);
});
