import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { base64Of } from '../../dist/learn/base64.js';
import { sha1 } from '../../dist/learn/sha1.js';
import { noise } from '../protocol/client-frames.js';

const LENGTHS = Array.from({ length: 200 }, (_, length) => length);

describe('SHA-1 and base64 without a platform', () => {
  it('are those of Node, at every length around the ends of blocks', () => {
    for (const length of LENGTHS) {
      const bytes = noise(length);
      expect(Buffer.from(sha1(bytes)), `${length} bytes`).toEqual(createHash('sha1').update(bytes).digest());
      expect(base64Of(bytes)).toBe(Buffer.from(bytes).toString('base64'));
    }
  });
});
