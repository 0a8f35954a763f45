import { describe, expect, it } from 'vitest';
import { acceptSteps, isNonce, keyOf } from '../../dist/learn/accept-steps.js';
import { noise } from '../protocol/client-frames.js';

describe('the way to Sec-WebSocket-Accept', () => {
  it('is that of RFC 6455 section 1.3', () => {
    expect(acceptSteps('dGhlIHNhbXBsZSBub25jZQ==')).toEqual({
      key: 'dGhlIHNhbXBsZSBub25jZQ==',
      guid: '258EAFA5-E914-47DA-95CA-C5AB0DC85B11',
      joined: 'dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11',
      sha1: 'b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea',
      accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    });
  });

  it('begins with a key of 16 bytes', () => {
    for (let i = 0; i < 50; i++) expect(isNonce(keyOf(noise(16)))).toBe(true);
    for (const key of ['', 'Hello', keyOf(noise(15)), keyOf(noise(17)), ' dGhlIHNhbXBsZSBub25jZQ==']) {
      expect(isNonce(key), key).toBe(false);
    }
  });
});
