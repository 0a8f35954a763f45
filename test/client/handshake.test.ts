import { expect, it } from 'vitest';
import { readAddress } from '../../dist/client/address.js';
import { Handshake } from '../../dist/client/handshake.js';

it('the key of each opening handshake is the base64 of another 16 bytes (section 4.1, item 7)', () => {
  const keys = Array.from({ length: 1000 }, () => {
    const { request } = new Handshake(readAddress('ws://a/'), {}, undefined);
    const [, key = ''] = /^Sec-WebSocket-Key: (\S+)\r$/m.exec(request) ?? [];
    return key;
  });
  expect(new Set(keys.map((key) => Buffer.from(key, 'base64').length))).toEqual(new Set([16]));
  expect(new Set(keys).size).toBe(1000);
  // Each of the bytes varies.
  for (let i = 0; i < 16; i++) {
    expect(new Set(keys.map((key) => Buffer.from(key, 'base64')[i])).size).toBeGreaterThan(100);
  }
});
