import { isUtf8 } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { CONTENTS, contentBytes } from '../../dist/study/texts.js';

const SIZES = [1, 2, 3, 4, 5, 64, 125, 1000];

describe.each(CONTENTS)('the content "%s"', (content) => {
  it('has exactly the size that is asked for, and the content that its name says', () => {
    for (const size of SIZES) {
      const bytes = contentBytes(content, size);
      expect(bytes.length).toBe(size);
      expect(isUtf8(bytes), `${size} bytes`).toBe(!content.startsWith('invalid'));
    }
  });
});

it('is invalid where it is said to be, and nowhere else', () => {
  for (const [content, position] of [
    ['invalid at the start', 0],
    ['invalid in the middle', 500],
    ['invalid at the end', 999],
  ] as const) {
    const different = contentBytes(content, 1000).findIndex((byte, i) => byte !== contentBytes('json', 1000)[i]);
    expect(different).toBe(position);
  }
});
