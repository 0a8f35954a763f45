import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DeflateWindow } from '../../dist/client/deflate-window.js';

it('holds the last 2^windowBits bytes of all messages, and nothing before the first', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 8, max: 10 }),
      fc.array(fc.uint8Array({ maxLength: 1500 })),
      (windowBits, messages) => {
        const window = new DeflateWindow(windowBits);
        let all = Buffer.alloc(0);
        expect(window.bytes).toHaveLength(0);
        for (const message of messages) {
          window.append(message);
          all = Buffer.concat([all, message]);
          expect(Buffer.from(window.bytes).equals(all.subarray(-(2 ** windowBits)))).toBe(true);
        }
      },
    ),
  );
});
