import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printableJson } from '../../dist/telemetry/printable.js';

describe('JSON that quotes a peer', () => {
  it('is one line, without anything that a terminal obeys or that turns the direction of text, and says the same', () => {
    const units = fc.array(fc.oneof(fc.nat(0x2fff), fc.integer({ min: 0xd800, max: 0xdfff })), { maxLength: 40 });
    fc.assert(
      fc.property(units, (codes) => {
        const text = String.fromCharCode(...codes);
        const json = printableJson({ text });
        expect(json).not.toMatch(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });

  it('leaves text as it is that anybody can read', () => {
    expect(printableJson(['grüß', 'שלום', '日本', '😀'])).toBe('["grüß","שלום","日本","😀"]');
  });
});
